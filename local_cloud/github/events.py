"""What the payload of every event says: in which repository it was, and through whom.

There is one user, who calls and pushes with the token of credentials.json, and the bot of the App.
"""

from typing import Any

from local_cloud.cloud import Cloud
from local_cloud.github.access import Caller
from local_cloud.github.repository import organization_named, organization_shown, shown
from local_cloud.store import Document


def setting(cloud: Cloud, repository: Document, sender: Caller | None = None) -> dict[str, Any]:
    """`sender` is the user unless it is told."""
    return {
        "repository": shown(cloud, repository),
        "organization": organization_shown(cloud, organization_named(cloud, repository["owner"])),
        "sender": (sender or Caller()).account(cloud),
    }


def user_shown(cloud: Cloud) -> dict[str, Any]:
    return Caller().account(cloud)
