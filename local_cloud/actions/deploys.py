"""The deployment that a job makes which names an environment: begun with the job, ended as the job ends."""

from local_cloud.cloud import Cloud
from local_cloud.github import deployment, numbered
from local_cloud.github.accounts import ACTIONS
from local_cloud.github.events import Event
from local_cloud.github.places import html_url
from local_cloud.store import Document

STATES = {"success": "success", "skipped": "inactive"}
"""What a deployment comes to, by its job's conclusion; a failure otherwise."""


def begin(cloud: Cloud, repository: Document, run: Document, job: Document) -> tuple[Document, list[Event]]:
    """The job with its deployment, if it names an environment, and what is to be told."""
    if not job["environment"]:
        return job, []
    fields = {"sha": run["head_sha"], "ref": run["head_branch"], "environment": job["environment"]}
    made = deployment.add(cloud, repository, ACTIONS, fields)
    job = {**job, "deployment": made["id"]}
    return job, [deployment.event(cloud, repository, made), *_state(cloud, repository, run, job, "in_progress")]


def end(cloud: Cloud, repository: Document, run: Document, job: Document) -> list[Event]:
    return _state(cloud, repository, run, job, STATES.get(job["conclusion"], "failure"))


def _state(cloud: Cloud, repository: Document, run: Document, job: Document, state: str) -> list[Event]:
    made = numbered.find(cloud, repository, "deployments", job["deployment"])
    if not made:  # none, or one that has been deleted meanwhile
        return []
    url = f"{html_url(cloud, repository)}/actions/runs/{run['id']}/job/{job['id']}"
    links = {"target_url": url, "log_url": url, "environment_url": job["environment_url"]}
    made = deployment.put(cloud, repository, made)
    status = deployment.add_status(cloud, repository, made, {"by": ACTIONS, "state": state, **links})
    return [deployment.event(cloud, repository, made, status)]
