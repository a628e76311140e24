"""The `GITHUB_TOKEN` of a run."""

from local_cloud.cloud import Cloud
from local_cloud.store import Document


def run_token(cloud: Cloud, repository: Document) -> str:
    """What the run calls the API and pushes with. It is the token of credentials.json, and so may do more than the
    `permissions` of the workflow say."""
    return cloud.credentials.github_token
