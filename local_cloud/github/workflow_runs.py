"""Runs of workflows: listed, shown, cancelled, run again, deleted."""

from typing import Any

from local_cloud.actions import runs
from local_cloud.actions.routes import log_url
from local_cloud.actions.views import job_shown, run_shown
from local_cloud.call import Answer, Call
from local_cloud.github import numbered
from local_cloud.github.access import caller
from local_cloud.github.accounts import account
from local_cloud.github.dialect import Created, not_found, page, refusal
from local_cloud.github.events import Event
from local_cloud.github.outbox import announce
from local_cloud.github.repository import repository_of, writable_repository_of
from local_cloud.github.workflows import runs_listed
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="actions")

RUNS = "/repos/{owner}/{repo}/actions/runs"
RUN = f"{RUNS}/{{run}}"
ATTEMPT = f"{RUN}/attempts/{{attempt}}"
JOB = "/repos/{owner}/{repo}/actions/jobs/{job}"


@routes.on("GET", RUNS)
def list_runs(call: Call) -> Answer:
    """The newest first. `status` may be a conclusion."""
    return runs_listed(call, repository_of(call))


@routes.on("GET", RUN)
def get_run(call: Call) -> dict[str, Any]:
    repository = repository_of(call)
    return run_shown(call.cloud, repository, _run(call, repository))


@routes.on("DELETE", RUN)
def delete_run(call: Call) -> None:
    """With its jobs and logs; not while it runs."""
    repository = writable_repository_of(call)
    run = _run(call, repository)
    if run["status"] != "completed":
        raise refusal(403, "Workflow run is in progress and cannot be deleted")
    runs.remove(call.cloud, repository, run)


@routes.on("POST", f"{RUN}/cancel")
def cancel_run(call: Call) -> Answer:
    repository = writable_repository_of(call)
    run = _run(call, repository)
    if run["status"] == "completed":
        raise refusal(409, "Cannot cancel a workflow run that is completed.")
    _announce(call, repository, runs.request_cancel(call.cloud, repository, run))
    return Answer(status=202, body={})


@routes.on("POST", f"{RUN}/rerun")
def rerun(call: Call) -> Created:
    """All jobs of the run once more, at the same commit and for the same event, as its next attempt."""
    repository = writable_repository_of(call)
    run = _run(call, repository)
    if run["status"] != "completed":
        raise refusal(403, "This workflow is already running")
    by = account(call.cloud, caller(call).login)
    again = {**run, "run_attempt": run["run_attempt"] + 1, "triggering_actor": by, "cancel": False, "problem": ""}
    _announce(call, repository, runs.enqueue(call.cloud, repository, again, cancel=run["cancels"]))
    return Created(body={})


@routes.on("GET", f"{RUN}/jobs")
def list_jobs(call: Call) -> Answer:
    """Of the last attempt; with `filter=all` of all of them."""
    kind = call.filters("filter", "page", "per_page").get("filter", "latest")
    if kind not in {"all", "latest"}:
        raise call.invalid("filter", "must be all or latest")
    repository = repository_of(call)
    return _jobs(call, repository, _run(call, repository), 0 if kind == "all" else None)


@routes.on("GET", f"{ATTEMPT}/jobs")
def list_jobs_of_attempt(call: Call) -> Answer:
    repository = repository_of(call)
    return _jobs(call, repository, *_attempt(call, repository))


@routes.on("GET", f"{RUN}/logs")
def get_logs(call: Call) -> Answer:
    """Where a ZIP archive with the log of each job is, for a minute."""
    repository = repository_of(call)
    run = _run(call, repository)
    return _found(log_url(call.cloud, repository, run, run["run_attempt"]))


@routes.on("GET", f"{ATTEMPT}/logs")
def get_logs_of_attempt(call: Call) -> Answer:
    repository = repository_of(call)
    run, attempt = _attempt(call, repository)
    return _found(log_url(call.cloud, repository, run, attempt))


@routes.on("GET", JOB)
def get_job(call: Call) -> dict[str, Any]:
    repository = repository_of(call)
    return job_shown(call.cloud, repository, *_job(call, repository))


@routes.on("GET", f"{JOB}/logs")
def get_job_log(call: Call) -> Answer:
    """Where the log is, as plain text, for a minute; there is none before the job has ended."""
    repository = repository_of(call)
    run, job = _job(call, repository)
    if runs.log_of(call.cloud, repository, job) is None:
        raise not_found()
    return _found(log_url(call.cloud, repository, run, job["run_attempt"], job["id"]))


def _jobs(call: Call, repository: Document, run: Document, attempt: int | None) -> Answer:
    found = runs.jobs_of(call.cloud, repository, run, attempt)
    listed = page(call, [job_shown(call.cloud, repository, run, job) for job in found])
    return Answer(body={"total_count": len(found), "jobs": listed.body}, headers=listed.headers)


def _found(url: str) -> Answer:
    return Answer(status=302, headers={"Location": url})


def _run(call: Call, repository: Document) -> Document:
    return numbered.named(call, repository, "workflow_runs", "run")


def _attempt(call: Call, repository: Document) -> tuple[Document, int]:
    run, attempt = _run(call, repository), call["attempt"]
    if not attempt.isdecimal() or not 1 <= int(attempt) <= run["run_attempt"]:
        raise not_found()
    return run, int(attempt)


def _job(call: Call, repository: Document) -> tuple[Document, Document]:
    job = numbered.named(call, repository, "workflow_jobs", "job")
    run = runs.run_of(call.cloud, repository, job["run_id"])
    assert run is not None  # noqa: S101 - its jobs go with it
    return run, job


def _announce(call: Call, repository: Document, events: list[Event]) -> None:
    for event in events:
        announce(call.cloud, repository, event)
