"""What the payload of every event says: in which repository it was, and through whom.

There is one user, who calls and pushes with the token of credentials.json.
"""

from typing import Any

from local_cloud.cloud import Cloud
from local_cloud.git import EMAIL, NAME
from local_cloud.github.links import account_shown
from local_cloud.github.repository import organization_named, organization_shown, shown
from local_cloud.store import Document

PUSHER = {"name": NAME, "email": EMAIL}
USER_ID = 1_000_000_000
"""Beyond what the store gives to organisations, which are numbered together with users."""


def setting(cloud: Cloud, repository: Document) -> dict[str, Any]:
    return {
        "repository": shown(cloud, repository),
        "organization": organization_shown(cloud, organization_named(cloud, repository["owner"])),
        "sender": account_shown(cloud, NAME, USER_ID, "User"),
    }
