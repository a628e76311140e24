"""A commit, and the files that it changed, as the API shows them."""

from datetime import UTC, datetime
from typing import Any

from local_cloud.cloud import Cloud
from local_cloud.git_history import Commit, FileChange, Person
from local_cloud.github.places import api_url, html_url
from local_cloud.store import Document

UNSIGNED = {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}


def commit_shown(cloud: Cloud, repository: Document, commit: Commit) -> dict[str, Any]:
    """With what belongs to the repository. Author and committer are nobody whom this GitHub knows: names alone."""
    url, html = api_url(cloud, repository), html_url(cloud, repository)
    return {
        "sha": commit.sha,
        "node_id": f"C_{repository['id']}_{commit.sha}",
        "commit": {
            **_described(commit),
            "tree": {"sha": commit.tree, "url": f"{url}/git/trees/{commit.tree}"},
            "url": f"{url}/git/commits/{commit.sha}",
            "comment_count": 0,
        },
        "url": f"{url}/commits/{commit.sha}",
        "html_url": f"{html}/commit/{commit.sha}",
        "comments_url": f"{url}/commits/{commit.sha}/comments",
        "author": None,
        "committer": None,
        "parents": [
            {"sha": parent, "url": f"{url}/commits/{parent}", "html_url": f"{html}/commit/{parent}"}
            for parent in commit.parents
        ],
    }


def git_commit_shown(cloud: Cloud, repository: Document, commit: Commit) -> dict[str, Any]:
    """As git has it."""
    url, html = api_url(cloud, repository), html_url(cloud, repository)
    return {
        "sha": commit.sha,
        "node_id": f"C_{repository['id']}_{commit.sha}",
        "url": f"{url}/git/commits/{commit.sha}",
        "html_url": f"{html}/commit/{commit.sha}",
        **_described(commit),
        "tree": {"sha": commit.tree, "url": f"{url}/git/trees/{commit.tree}"},
        "parents": [
            {"sha": parent, "url": f"{url}/git/commits/{parent}", "html_url": f"{html}/commit/{parent}"}
            for parent in commit.parents
        ],
    }


def file_shown(cloud: Cloud, repository: Document, sha: str, file: FileChange) -> dict[str, Any]:
    """`sha` is the commit that has the file as it is after the change."""
    html, path = html_url(cloud, repository), file.path
    return {
        "sha": file.blob,
        "filename": path,
        "status": file.status,
        "additions": file.additions,
        "deletions": file.deletions,
        "changes": file.additions + file.deletions,
        "blob_url": f"{html}/blob/{sha}/{path}",
        "raw_url": f"{html}/raw/{sha}/{path}",
        "contents_url": f"{api_url(cloud, repository)}/contents/{path}?ref={sha}",
        **({"previous_filename": file.previous} if file.previous else {}),
    }


def person_shown(person: Person) -> dict[str, str]:
    date = datetime.fromisoformat(person.date).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"name": person.name, "email": person.email, "date": date}


def _described(commit: Commit) -> dict[str, Any]:
    return {
        "author": person_shown(commit.author),
        "committer": person_shown(commit.committer),
        "message": commit.message,
        "verification": UNSIGNED,
    }
