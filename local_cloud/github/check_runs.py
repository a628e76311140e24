"""Check runs: what the App says of a commit, with a conclusion, a report and annotations; and their suites.

Only an installation may write them. Anybody who may read the repository may read them.
"""

import re
from typing import Any

from local_cloud import git_history
from local_cloud.call import Answer, Call
from local_cloud.github.access import caller
from local_cloud.github.accounts import BOTS
from local_cloud.github.app import app_id
from local_cloud.github.check_run import (
    ensure_suite,
    event,
    find_run,
    find_suite,
    latest,
    put,
    run_shown,
    runs_of,
    suite_shown,
    suites_of,
)
from local_cloud.github.check_run_body import ChangedRun, NewRun
from local_cloud.github.commit_statuses import commit_of
from local_cloud.github.dialect import Created, not_found, now, page, refusal
from local_cloud.github.outbox import announce
from local_cloud.github.places import folder, html_url
from local_cloud.github.repository import repository_of, writable_repository_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="checks")

REPOSITORY = "/repos/{owner}/{repo}"
RUNS = f"{REPOSITORY}/check-runs"
SUITES = f"{REPOSITORY}/check-suites"


@routes.on("POST", RUNS)
def create_run(call: Call) -> Created:
    repository, sent = _repository_of_the_app(call), call.json(NewRun)
    by, path, sha = caller(call).login, folder(call.cloud, repository), sent.head_sha
    if not re.fullmatch("[0-9a-f]{40}", sha) or not git_history.find_commit(path, sha):
        raise refusal(422, f"No commit found for SHA: {sha}")
    run = {
        "id": call.store.next_number(),
        "head_sha": sha,
        "external_id": "",
        "details_url": call.cloud.settings.api_url,
        "status": "queued",
        "conclusion": None,
        "started_at": now(),
        "completed_at": None,
        "output": None,
        "annotations": [],
        "actions": [],
        "suite": ensure_suite(call.cloud, repository, sha, by)["id"],
        "by": by,
        "is_job": False,
    }
    run = _changed(call, run, sent)
    _put(call, repository, run, "created", *(["completed"] if run["conclusion"] else []))
    return Created(body=run_shown(call.cloud, repository, run))


@routes.on("GET", f"{RUNS}/{{run}}")
def get_run(call: Call) -> dict[str, Any]:
    repository = repository_of(call)
    return run_shown(call.cloud, repository, _run(call, repository))


@routes.on("PATCH", f"{RUNS}/{{run}}")
def patch_run(call: Call) -> dict[str, Any]:
    repository, sent = _repository_of_the_app(call), call.json(ChangedRun)
    before = _run(call, repository)
    if before["by"] != caller(call).login or before["is_job"]:
        number = app_id(call.cloud, before["by"])
        message = f"Invalid app_id `{number}` - check run can only be modified by the GitHub App that created it."
        raise refusal(403, message)
    run = _changed(call, before, sent)
    _put(call, repository, run, *(["completed"] if run["conclusion"] and not before["conclusion"] else []))
    return run_shown(call.cloud, repository, run)


@routes.on("GET", f"{RUNS}/{{run}}/annotations")
def list_annotations(call: Call) -> Answer:
    repository = repository_of(call)
    run, html = _run(call, repository), html_url(call.cloud, repository)
    blob = f"{html}/blob/{run['head_sha']}"
    return page(call, [{**one, "blob_href": f"{blob}/{one['path']}"} for one in run["annotations"]])


@routes.on("GET", f"{REPOSITORY}/commits/{{ref}}/check-runs")
def list_runs(call: Call) -> Answer:
    repository = repository_of(call)
    return _listed_runs(call, repository, runs_of(call.cloud, repository, commit_of(call, repository)))


@routes.on("GET", f"{REPOSITORY}/commits/{{ref}}/check-suites")
def list_suites(call: Call) -> Answer:
    sent = call.filters("app_id", "check_name", "page", "per_page")
    repository = repository_of(call)
    sha = commit_of(call, repository)
    suites = [suite for suite in suites_of(call.cloud, repository, sha) if _is_of_the_app(call, sent, suite)]
    if "check_name" in sent:
        named = {run["suite"] for run in runs_of(call.cloud, repository, sha) if run["name"] == sent["check_name"]}
        suites = [suite for suite in suites if suite["id"] in named]
    listed = page(call, [suite_shown(call.cloud, repository, suite) for suite in suites])
    return Answer(body={"total_count": len(suites), "check_suites": listed.body}, headers=listed.headers)


@routes.on("GET", f"{SUITES}/{{suite}}")
def get_suite(call: Call) -> dict[str, Any]:
    repository = repository_of(call)
    return suite_shown(call.cloud, repository, _suite(call, repository))


@routes.on("GET", f"{SUITES}/{{suite}}/check-runs")
def list_suites_runs(call: Call) -> Answer:
    repository = repository_of(call)
    suite = _suite(call, repository)
    runs = runs_of(call.cloud, repository, suite["head_sha"])
    return _listed_runs(call, repository, [run for run in runs if run["suite"] == suite["id"]])


def _listed_runs(call: Call, repository: Document, runs: list[Document]) -> Answer:
    """The newest first; of each name the last one only, unless `filter` is `all`."""
    sent = call.filters("app_id", "check_name", "filter", "page", "per_page", "status")
    if sent.get("filter", "latest") not in {"latest", "all"}:
        raise call.invalid("filter", "must be latest or all")
    found = [
        run
        for run in reversed(runs if sent.get("filter") == "all" else latest(runs))
        if sent.get("check_name", run["name"]) == run["name"]
        and sent.get("status", run["status"]) == run["status"]
        and _is_of_the_app(call, sent, run)
    ]
    listed = page(call, [run_shown(call.cloud, repository, run) for run in found])
    return Answer(body={"total_count": len(found), "check_runs": listed.body}, headers=listed.headers)


def _changed(call: Call, run: Document, sent: ChangedRun) -> Document:
    fields = sent.model_dump(exclude={"head_sha", "output"}, exclude_none=True)
    if sent.conclusion:
        fields = {"completed_at": now(), **fields, "status": "completed"}
    elif sent.status == "completed" and not run["conclusion"]:
        raise call.invalid("conclusion", "is required if status is completed")
    elif sent.status and sent.status != "completed":
        fields |= {"conclusion": None, "completed_at": None}
    if sent.output:
        output = sent.output.model_dump(exclude={"annotations"})
        annotations = [one.model_dump() for one in sent.output.annotations]
        fields |= {"output": output, "annotations": [*run["annotations"], *annotations]}
    return {**run, **fields}


def _repository_of_the_app(call: Call) -> Document:
    if caller(call).login not in BOTS:
        raise refusal(403, "You must authenticate via a GitHub App.")
    return writable_repository_of(call)


def _is_of_the_app(call: Call, sent: dict[str, str], made: Document) -> bool:
    """Whether a run or a suite is of the App that is asked for, if any is."""
    return "app_id" not in sent or sent["app_id"] == str(app_id(call.cloud, made["by"]))


def _put(call: Call, repository: Document, run: Document, *told: str) -> None:
    """Keep a run, and tell of it that it was `created` or `completed`."""
    put(call.cloud, repository, run)
    for action in told:
        announce(call.cloud, repository, event(call.cloud, repository, run, action, run["by"]))


def _run(call: Call, repository: Document) -> Document:
    run = find_run(call.cloud, repository, call["run"])
    if not run:
        raise not_found()
    return run


def _suite(call: Call, repository: Document) -> Document:
    suite = find_suite(call.cloud, repository, call["suite"])
    if not suite:
        raise not_found()
    return suite
