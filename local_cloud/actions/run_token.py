"""The `GITHUB_TOKEN` of a run: what its jobs call the API and push with."""

from local_cloud.actions.workflow import Workflow
from local_cloud.cloud import Cloud
from local_cloud.github.access import issue
from local_cloud.github.permissions import LEVELS
from local_cloud.github.repository import organization_named
from local_cloud.store import Document


def run_token(cloud: Cloud, repository: Document, run: Document, workflow: Workflow) -> str:
    """A new one, for this repository alone, good until the run has ended, for an hour at most."""
    organization = organization_named(cloud, repository["owner"])
    token, _ = issue(cloud.store, organization, permissions(workflow), [repository["id"]], run["guid"])
    return token


def permissions(workflow: Workflow) -> dict[str, str]:
    """What all jobs of a run may do together, since act gives all of them one token."""
    granted: dict[str, str] = {}
    for job in workflow.jobs.values():
        for scope, level in job.permissions.items():
            name = scope.replace("-", "_")
            granted[name] = max(level, granted.get(name, "none"), key=LEVELS.index)
    return {**granted, "metadata": "read"}
