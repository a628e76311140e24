"""Events, and what the payload of each says: in which repository it was, and through whom."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from local_cloud.cloud import Cloud
from local_cloud.github.accounts import account
from local_cloud.github.repository import organization_named, organization_shown, shown
from local_cloud.store import Document


@dataclass(frozen=True, kw_only=True)
class Event:
    """What has happened. Each delivery of it has its guid."""

    name: str
    payload: Document
    guid: str = field(default_factory=lambda: str(uuid.uuid4()))


def setting(cloud: Cloud, repository: Document, by: str) -> dict[str, Any]:
    return {
        "repository": shown(cloud, repository),
        "organization": organization_shown(cloud, organization_named(cloud, repository["owner"])),
        "sender": account(cloud, by),
    }
