"""Runs and their jobs in the store, and each step from `queued` to `completed`. What has to be told is returned.

A run is a document of `workflow_runs` by repository and id; while it is not completed, `active_runs` leads to it. Its
jobs are documents of `workflow_jobs`, their logs of `job_logs`, both by repository and job id.
"""

from collections.abc import Iterable
from typing import Any

from local_cloud.actions import deploys
from local_cloud.actions.log_lines import stamped
from local_cloud.actions.views import job_shown, run_shown, workflow_shown
from local_cloud.cloud import Cloud
from local_cloud.github import check_run, numbered
from local_cloud.github.access import revoke_of_run
from local_cloud.github.dialect import now
from local_cloud.github.events import Event, setting
from local_cloud.github.repository import find
from local_cloud.store import Document

CHECKS = {"queued": "created", "completed": "completed"}
"""What is told of a job as a check run, by what is told of it as a job."""


def run_of(cloud: Cloud, repository: Document, number: int) -> Document | None:
    return numbered.find(cloud, repository, "workflow_runs", number)


def jobs_of(cloud: Cloud, repository: Document, run: Document, attempt: int | None = None) -> list[Document]:
    """The jobs of an attempt, of the last one by default; of all if it is 0."""
    wanted = run["run_attempt"] if attempt is None else attempt
    return [
        job
        for job in cloud.store.values("workflow_jobs", str(repository["id"]))
        if job["run_id"] == run["id"] and wanted in {job["run_attempt"], 0}
    ]


def filtered(runs: Iterable[Document], wanted: dict[str, str]) -> list[Document]:
    """The runs that have each value of `wanted`; `status` may name a conclusion."""
    fields = {"event": "event", "branch": "head_branch", "head_sha": "head_sha"}
    return [
        run
        for run in runs
        if all(run[field] == wanted[name] for name, field in fields.items() if name in wanted)
        and wanted.get("actor", run["triggering_actor"]["login"]) == run["actor"]["login"]
        and wanted.get("status", run["status"]) in {run["status"], run["conclusion"]}
    ]


def active(cloud: Cloud) -> list[tuple[Document, Document]]:
    """Repository and run of each run that isn't completed, the oldest first."""
    found = []
    for entry in cloud.store.values("active_runs", ""):
        repository = find(cloud, entry["owner"], entry["name"])
        run = repository and run_of(cloud, repository, entry["run"])
        if repository and run and run["status"] != "completed":
            found.append((repository, run))
    return found


def enqueue(cloud: Cloud, repository: Document, run: Document, *, cancel: bool) -> list[Event]:
    """A new run, or a new attempt of one, takes its place. In its concurrency group one run goes on, or waits for a
    runner, and one is pending: an older pending one is cancelled, and with `cancel` the one that goes on as well."""
    events = []
    group = [other for _, other in _group(cloud, repository, run)]
    for other in [other for other in group if other["status"] == "pending" or cancel]:
        events += request_cancel(cloud, repository, other)
    holds = any(other["status"] in {"queued", "in_progress"} for _, other in _group(cloud, repository, run))
    run = _put(cloud, repository, {**run, "status": "pending" if holds else "queued", "conclusion": None})
    entry = {"owner": repository["owner"], "name": repository["name"], "run": run["id"]}
    cloud.store.put("active_runs", "", numbered.key(run["id"]), entry)
    return [*events, run_event(cloud, repository, run, "requested")]


def begin(cloud: Cloud, repository: Document, run: Document) -> tuple[Document, list[Event]]:
    at = now()
    run = _put(cloud, repository, {**run, "status": "in_progress", "run_started_at": at})
    return run, [run_event(cloud, repository, run, "in_progress")]


def request_cancel(cloud: Cloud, repository: Document, run: Document) -> list[Event]:
    """What has not begun is cancelled at once; what runs is by the runner, which sees the request."""
    if run["status"] == "in_progress":
        _put(cloud, repository, {**run, "cancel": True})
        _wake_runner(cloud)
        return []
    return complete(cloud, repository, run, "cancelled")


def complete(cloud: Cloud, repository: Document, run: Document, conclusion: str, problem: str = "") -> list[Event]:
    """The run has ended, and whatever of its jobs has not. `problem`: why, where no job's log can tell."""
    events = []
    for job in jobs_of(cloud, repository, run):
        if job["status"] != "completed":
            events += complete_job(cloud, repository, run, job, conclusion)
    run = _put(cloud, repository, {**run, "status": "completed", "conclusion": conclusion, "problem": problem})
    cloud.store.delete("active_runs", "", numbered.key(run["id"]))
    revoke_of_run(cloud.store, run["guid"])
    events.append(run_event(cloud, repository, run, "completed"))
    group = _group(cloud, repository, run)
    if not any(other["status"] in {"queued", "in_progress"} for _, other in group):
        for _, pending in group[:1]:
            _put(cloud, repository, {**pending, "status": "queued"})
            _wake_runner(cloud)
    return events


def refuse(cloud: Cloud, repository: Document, run: Document, problem: str) -> list[Event]:
    """The run fails before any of its steps: one job has failed as it was set up, and its log tells why."""
    at = now()
    step = {"name": "Set up job", "status": "completed", "conclusion": "failure", "number": 1}
    steps = [{**step, "started_at": at, "completed_at": at}]
    job = {"id": cloud.store.next_number(), **new_job(run, run["name"]), "status": "in_progress", "steps": steps}
    put_log(cloud, repository, job, "".join(stamped(f"##[error]{line}") for line in problem.splitlines()))
    events = complete_job(cloud, repository, run, job, "failure")
    return [*events, *complete(cloud, repository, run, "failure")]


def new_job(run: Document, name: str, **more: Any) -> Document:
    """A job, but for its id. `key` is what the workflow calls it; `environment` is empty if it has none."""
    at = now()
    return {
        "run_id": run["id"],
        "run_attempt": run["run_attempt"],
        "key": "",
        "matrix": {},
        "name": name,
        "status": "queued",
        "conclusion": None,
        "created_at": at,
        "started_at": at,
        "completed_at": None,
        "labels": [],
        "steps": [],
        "environment": "",
        "environment_url": "",
        "deployment": 0,
        **more,
    }


def put_job(cloud: Cloud, repository: Document, run: Document, job: Document, action: str = "") -> list[Event]:
    """Keep a job as it is now; `action` is what is told of it, if anything is."""
    numbered.put(cloud, repository, "workflow_jobs", job)
    events = [job_event(cloud, repository, run, job, action)] if action else []
    if action in CHECKS:
        check = check_run.of_job(cloud, repository, run, job)
        events.append(check_run.event(cloud, repository, check, CHECKS[action], run["triggering_actor"]["login"]))
    return events


def complete_job(cloud: Cloud, repository: Document, run: Document, job: Document, conclusion: str) -> list[Event]:
    at = now()
    steps = [
        step
        if step["status"] == "completed"
        else {
            **step,
            "status": "completed",
            "conclusion": conclusion if step["status"] == "in_progress" else "skipped",
            "started_at": step["started_at"] or at,
            "completed_at": at,
        }
        for step in job["steps"]
    ]
    job = {**job, "status": "completed", "conclusion": conclusion, "completed_at": at, "steps": steps}
    events = put_job(cloud, repository, run, job, "completed")
    return [*events, *deploys.end(cloud, repository, run, job)]


def put_log(cloud: Cloud, repository: Document, job: Document, text: str) -> None:
    log = {"id": job["id"], "blob": cloud.store.put_blob(text.encode())}
    numbered.put(cloud, repository, "job_logs", log)


def log_of(cloud: Cloud, repository: Document, job: Document) -> bytes | None:
    log = numbered.find(cloud, repository, "job_logs", job["id"])
    return cloud.store.blob(log["blob"]) if log else None


def remove(cloud: Cloud, repository: Document, run: Document) -> None:
    """Delete a run with its jobs and logs."""
    for job in jobs_of(cloud, repository, run, attempt=0):
        for collection in ("workflow_jobs", "job_logs"):
            numbered.delete(cloud, repository, collection, job)
    numbered.delete(cloud, repository, "workflow_runs", run)


def run_event(cloud: Cloud, repository: Document, run: Document, action: str) -> Event:
    workflow = cloud.store.get("workflows", str(repository["id"]), run["path"])
    payload = {
        "action": action,
        "workflow_run": run_shown(cloud, repository, run),
        "workflow": workflow and workflow_shown(cloud, repository, workflow),
        **setting(cloud, repository, run["triggering_actor"]["login"]),
    }
    return Event(name="workflow_run", payload=payload)


def job_event(cloud: Cloud, repository: Document, run: Document, job: Document, action: str) -> Event:
    common, shown = setting(cloud, repository, run["triggering_actor"]["login"]), job_shown(cloud, repository, run, job)
    return Event(name="workflow_job", payload={"action": action, "workflow_job": shown, **common})


def _group(cloud: Cloud, repository: Document, run: Document) -> list[tuple[Document, Document]]:
    """The other active runs of its concurrency group, whose names know no case."""
    if not run["group"]:
        return []
    return [
        (owner, other)
        for owner, other in active(cloud)
        if owner["id"] == repository["id"]
        and other["id"] != run["id"]
        and (other["group"] or "").lower() == run["group"].lower()
    ]


def _wake_runner(cloud: Cloud) -> None:
    """Have it look at the active runs once this is committed."""
    cloud.store.changed.add("active_runs")


def _put(cloud: Cloud, repository: Document, run: Document) -> Document:
    run = {**run, "updated_at": now()}
    numbered.put(cloud, repository, "workflow_runs", run)
    return run
