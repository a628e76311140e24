"""Check runs and their suites: their rows, what the API shows of them, and the events.

A suite holds the runs of one App at one commit; it is made with the first of them, and its state follows from theirs.
The jobs of Actions are check runs too, each run of a workflow their suite: those have no rows of their own here.
"""

from typing import Any

from local_cloud import git_history
from local_cloud.cloud import Cloud
from local_cloud.git_history import NONE
from local_cloud.github import numbered
from local_cloud.github.accounts import ACTIONS
from local_cloud.github.app import performer_shown
from local_cloud.github.dialect import now
from local_cloud.github.events import Event, setting
from local_cloud.github.places import api_url, folder, html_url
from local_cloud.github.repository import shown
from local_cloud.store import Document

SEVERITY = ("failure", "timed_out", "cancelled", "action_required", "success", "neutral", "skipped")
"""A suite's conclusion is the first of these that one of its runs has come to."""


def put(cloud: Cloud, repository: Document, run: Document) -> None:
    cloud.store.put("check_runs", str(repository["id"]), f"{run['head_sha']}/{numbered.key(run['id'])}", run)


def runs_of(cloud: Cloud, repository: Document, sha: str) -> list[Document]:
    """The runs of a commit, the oldest first."""
    return [run for run in _all_runs(cloud, repository) if run["head_sha"] == sha]


def find_run(cloud: Cloud, repository: Document, number: str) -> Document | None:
    return next((run for run in _all_runs(cloud, repository) if str(run["id"]) == number), None)


def of_job(cloud: Cloud, repository: Document, run: Document, job: Document) -> Document:
    """A job of a workflow's run, as a check run."""
    url = f"{html_url(cloud, repository)}/actions/runs/{run['id']}/job/{job['id']}"
    return {
        **{name: job[name] for name in ("id", "name", "status", "conclusion", "started_at", "completed_at")},
        "head_sha": run["head_sha"],
        "external_id": "",
        "details_url": url,
        "html_url": url,
        "output": None,
        "annotations": [],
        "actions": [],
        "suite": run["id"],
        "by": ACTIONS,
        "is_job": True,
    }


def ensure_suite(cloud: Cloud, repository: Document, sha: str, by: str) -> Document:
    """The suite of a commit and an App's bot; a new one if there is none yet."""
    scope, key = str(repository["id"]), f"{sha}/{by}"
    if found := cloud.store.get("check_suites", scope, key):
        return found
    tips = [name for name, tip in git_history.branches_with(folder(cloud, repository), sha, 10).items() if tip == sha]
    suite = {
        "id": cloud.store.next_number(),
        "head_sha": sha,
        "head_branch": tips[0] if tips else None,
        "created_at": now(),
        "by": by,
    }
    cloud.store.put("check_suites", scope, key, suite)
    return suite


def suites_of(cloud: Cloud, repository: Document, sha: str) -> list[Document]:
    """The suites of a commit, the oldest first."""
    return [suite for suite in _all_suites(cloud, repository) if suite["head_sha"] == sha]


def find_suite(cloud: Cloud, repository: Document, number: int | str) -> Document | None:
    return next((suite for suite in _all_suites(cloud, repository) if str(suite["id"]) == str(number)), None)


def latest(runs: list[Document]) -> list[Document]:
    """The last run of each name in each suite."""
    return list({(run["suite"], run["name"]): run for run in runs}.values())


def run_shown(cloud: Cloud, repository: Document, run: Document) -> dict[str, Any]:
    url, output = f"{api_url(cloud, repository)}/check-runs/{run['id']}", run["output"] or {}
    hidden = {"suite", "output", "annotations", "images", "actions", "by", "is_job"}
    return {
        "html_url": f"{html_url(cloud, repository)}/runs/{run['id']}",
        **{key: value for key, value in run.items() if key not in hidden},
        "node_id": f"CR_{run['id']}",
        "url": url,
        "output": {
            **{name: output.get(name) for name in ("title", "summary", "text")},
            "annotations_count": len(run["annotations"]),
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": {"id": run["suite"]},
        "app": performer_shown(cloud, run["by"]),
        "pull_requests": [],
    }


def suite_shown(cloud: Cloud, repository: Document, suite: Document) -> dict[str, Any]:
    url, sha = f"{api_url(cloud, repository)}/check-suites/{suite['id']}", suite["head_sha"]
    runs = latest([run for run in runs_of(cloud, repository, sha) if run["suite"] == suite["id"]])
    (commit,) = git_history.commits(folder(cloud, repository), [sha])
    return {
        **_state(runs),
        **{key: value for key, value in suite.items() if key != "by"},
        "node_id": f"CS_{suite['id']}",
        "url": url,
        "before": commit.parents[0] if commit.parents else NONE,
        "after": sha,
        "pull_requests": [],
        "app": performer_shown(cloud, suite["by"]),
        "repository": shown(cloud, repository),
        "head_commit": head_commit(commit),
        "latest_check_runs_count": len(runs),
        "check_runs_url": f"{url}/check-runs",
        "rerequestable": False,
        "runs_rerequestable": False,
    }


def head_commit(commit: git_history.Commit) -> dict[str, Any]:
    """A commit as suites and runs of workflows have it."""
    return {
        "id": commit.sha,
        "tree_id": commit.tree,
        "message": commit.message,
        "timestamp": commit.committer.date,
        "author": {"name": commit.author.name, "email": commit.author.email},
        "committer": {"name": commit.committer.name, "email": commit.committer.email},
    }


def event(cloud: Cloud, repository: Document, run: Document, action: str, by: str) -> Event:
    """That a run was `created` or `completed`."""
    suite = find_suite(cloud, repository, run["suite"])
    assert suite is not None  # noqa: S101 - made with its first run
    whole = {**run_shown(cloud, repository, run), "check_suite": suite_shown(cloud, repository, suite)}
    return Event(name="check_run", payload={"action": action, "check_run": whole, **setting(cloud, repository, by)})


def _all_runs(cloud: Cloud, repository: Document) -> list[Document]:
    scope = str(repository["id"])
    workflow_runs = {run["id"]: run for run in cloud.store.values("workflow_runs", scope)}
    jobs = [
        of_job(cloud, repository, workflow_runs[job["run_id"]], job)
        for job in cloud.store.values("workflow_jobs", scope)
        if job["run_attempt"] == workflow_runs[job["run_id"]]["run_attempt"]
    ]
    return sorted([*cloud.store.values("check_runs", scope), *jobs], key=lambda run: run["id"])


def _all_suites(cloud: Cloud, repository: Document) -> list[Document]:
    scope, same = str(repository["id"]), ("id", "head_sha", "head_branch", "created_at")
    state = ("status", "conclusion", "updated_at")
    workflow_runs = [
        {**{name: run[name] for name in (*same, *state)}, "by": ACTIONS}
        for run in cloud.store.values("workflow_runs", scope)
    ]
    return sorted([*cloud.store.values("check_suites", scope), *workflow_runs], key=lambda suite: suite["id"])


def _state(runs: list[Document]) -> Document:
    """What runs come to together."""
    states, conclusions = {run["status"] for run in runs}, {run["conclusion"] for run in runs}
    status = "completed" if states == {"completed"} else "queued" if states == {"queued"} else "in_progress"
    return {
        "status": status,
        "conclusion": next(one for one in SEVERITY if one in conclusions) if status == "completed" else None,
        "updated_at": max((run["completed_at"] or run["started_at"] for run in runs), default=None),
    }
