"""Where a repository is: its folder, its address in the API, its page."""

from pathlib import Path

from local_cloud.cloud import Cloud
from local_cloud.store import Document


def folder(cloud: Cloud, repository: Document) -> Path:
    """The bare git repository."""
    return cloud.repositories.path(repository["owner"], repository["name"])


def api_url(cloud: Cloud, repository: Document) -> str:
    return f"{cloud.settings.api_url}/api/v3/repos/{repository['owner']}/{repository['name']}"


def html_url(cloud: Cloud, repository: Document) -> str:
    return f"{cloud.settings.api_url}/{repository['owner']}/{repository['name']}"
