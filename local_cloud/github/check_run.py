"""A check run and the suite that it belongs to: their rows, what the API shows of them, and the events.

A suite holds the runs of the App at one commit. It is made with the first of them, and its state follows from theirs.
"""

from typing import Any

from local_cloud import git_history
from local_cloud.call import Call
from local_cloud.git_history import NONE
from local_cloud.github.access import caller
from local_cloud.github.app import app_shown
from local_cloud.github.dialect import now
from local_cloud.github.events import setting
from local_cloud.github.outbox import Event, announce
from local_cloud.github.places import api_url, folder, html_url
from local_cloud.github.repository import shown
from local_cloud.store import Document

SEVERITY = ("failure", "timed_out", "cancelled", "action_required", "success", "neutral", "skipped")
"""A suite's conclusion is the first of these that one of its runs has come to."""


def suite_of(call: Call, repository: Document, sha: str) -> Document:
    """The suite of a commit; a new one if it has none yet."""
    scope = str(repository["id"])
    if found := call.store.get("check_suites", scope, sha):
        return found
    path, at = folder(call.cloud, repository), now()
    (commit,) = git_history.commits(path, [sha])
    tips = [name for name, tip in git_history.branches_with(path, sha, 10).items() if tip == sha]
    suite = {
        "id": call.store.next_number(),
        "head_sha": sha,
        "head_branch": tips[0] if tips else None,
        "before": commit.parents[0] if commit.parents else NONE,
        "created_at": at,
    }
    call.store.put("check_suites", scope, sha, suite)
    return suite


def put(call: Call, repository: Document, run: Document, *told: str) -> None:
    """Keep a run, and tell of it that it was `created` or `completed`."""
    call.store.put("check_runs", str(repository["id"]), f"{run['head_sha']}/{run['id']:012}", run)
    for action in told:
        suite = call.store.get("check_suites", str(repository["id"]), run["head_sha"])
        assert suite is not None  # noqa: S101 - made with its first run
        payload = {
            "action": action,
            "check_run": {**run_shown(call, repository, run), "check_suite": suite_shown(call, repository, suite)},
            **setting(call.cloud, repository, caller(call)),
        }
        announce(call.cloud, repository, Event(name="check_run", payload=payload))


def runs_of(call: Call, repository: Document, sha: str) -> list[Document]:
    """The runs of a commit, the oldest first."""
    return call.store.below("check_runs", str(repository["id"]), sha)


def latest(runs: list[Document]) -> list[Document]:
    """The last run of each name."""
    return list({run["name"]: run for run in runs}.values())


def run_shown(call: Call, repository: Document, run: Document) -> dict[str, Any]:
    url, output = f"{api_url(call.cloud, repository)}/check-runs/{run['id']}", run["output"] or {}
    hidden = {"suite", "output", "annotations", "images", "actions"}
    return {
        **{key: value for key, value in run.items() if key not in hidden},
        "node_id": f"CR_{run['id']}",
        "url": url,
        "html_url": f"{html_url(call.cloud, repository)}/runs/{run['id']}",
        "output": {
            **{name: output.get(name) for name in ("title", "summary", "text")},
            "annotations_count": len(run["annotations"]),
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": {"id": run["suite"]},
        "app": app_shown(call.cloud),
        "pull_requests": [],
    }


def suite_shown(call: Call, repository: Document, suite: Document) -> dict[str, Any]:
    url, sha = f"{api_url(call.cloud, repository)}/check-suites/{suite['id']}", suite["head_sha"]
    runs = latest(runs_of(call, repository, sha))
    (commit,) = git_history.commits(folder(call.cloud, repository), [sha])
    states, conclusions = {run["status"] for run in runs}, {run["conclusion"] for run in runs}
    status = "completed" if states == {"completed"} else "queued" if states == {"queued"} else "in_progress"
    conclusion = next(one for one in SEVERITY if one in conclusions) if status == "completed" else None
    return {
        **suite,
        "node_id": f"CS_{suite['id']}",
        "status": status,
        "conclusion": conclusion,
        "url": url,
        "after": sha,
        "pull_requests": [],
        "app": app_shown(call.cloud),
        "repository": shown(call.cloud, repository),
        "updated_at": max(run["completed_at"] or run["started_at"] for run in runs),
        "head_commit": {
            "id": commit.sha,
            "tree_id": commit.tree,
            "message": commit.message,
            "timestamp": commit.committer.date,
            "author": {"name": commit.author.name, "email": commit.author.email},
            "committer": {"name": commit.committer.name, "email": commit.committer.email},
        },
        "latest_check_runs_count": len(runs),
        "check_runs_url": f"{url}/check-runs",
        "rerequestable": False,
        "runs_rerequestable": False,
    }
