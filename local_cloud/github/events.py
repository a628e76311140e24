"""Events, and what the payload of each says: in which repository it was, and through whom.

There is one user, who calls and pushes with the token of credentials.json, and the bot of the App.
"""

import uuid
from dataclasses import dataclass, field
from typing import Any

from local_cloud.cloud import Cloud
from local_cloud.github.access import Caller
from local_cloud.github.repository import organization_named, organization_shown, shown
from local_cloud.store import Document


@dataclass(frozen=True, kw_only=True)
class Event:
    """What has happened. Each delivery of it has its guid."""

    name: str
    payload: Document
    guid: str = field(default_factory=lambda: str(uuid.uuid4()))


def setting(cloud: Cloud, repository: Document, sender: Caller | None = None) -> dict[str, Any]:
    """`sender` is the user unless it is told."""
    return {
        "repository": shown(cloud, repository),
        "organization": organization_shown(cloud, organization_named(cloud, repository["owner"])),
        "sender": (sender or Caller()).account(cloud),
    }


def user_shown(cloud: Cloud) -> dict[str, Any]:
    return Caller().account(cloud)
