"""GitHub's one App, and its installations: it has one on every organisation. Its key is in credentials.json."""

from typing import Any

from local_cloud.call import Call
from local_cloud.github.dialect import AS_APP, now
from local_cloud.github.repository import organization_named, owner_shown
from local_cloud.routing import RouteTable
from local_cloud.store import Document, Store

routes = RouteTable(permission=AS_APP)

SLUG = "local-overskill"

PERMISSIONS: Document = {
    "actions": "write",
    "actions_variables": "write",
    "administration": "write",
    "contents": "write",
    "deployments": "write",
    "environments": "write",
    "metadata": "read",
    "organization_administration": "write",
    "pull_requests": "write",
    "repository_hooks": "write",
    "secrets": "write",
    "statuses": "write",
    "workflows": "write",
}
"""What the App may do, unless `PUT /_local/github-app` has changed that."""


@routes.on("GET", "/app")
def get_app(call: Call) -> dict[str, Any]:
    credentials, organizations = call.cloud.credentials, call.store.values("organizations", "")
    return {
        "id": int(credentials.github_app_id),
        "client_id": credentials.github_client_id,
        "slug": SLUG,
        "node_id": f"A_{credentials.github_app_id}",
        "owner": owner_shown(call.cloud, organizations[0]["login"]) if organizations else None,
        "name": SLUG,
        "description": None,
        "external_url": call.cloud.settings.api_url,
        "html_url": f"{call.cloud.settings.api_url}/apps/{SLUG}",
        **_times(call.store),
        "permissions": permissions(call.store),
        "events": [],
        "installations_count": len(organizations),
    }


@routes.on("GET", "/orgs/{org}/installation")
def get_installation(call: Call) -> dict[str, Any]:
    """Known by its organisation's id: there is one App."""
    organization, url = organization_named(call.cloud, call["org"]), call.cloud.settings.api_url
    number = organization["id"]
    return {
        "id": number,
        "account": owner_shown(call.cloud, organization["login"]),
        "repository_selection": "all",
        "access_tokens_url": f"{url}/api/v3/app/installations/{number}/access_tokens",
        "repositories_url": f"{url}/api/v3/installation/repositories",
        "html_url": f"{url}/organizations/{organization['login']}/settings/installations/{number}",
        "app_id": int(call.cloud.credentials.github_app_id),
        "app_slug": SLUG,
        "target_id": organization["id"],
        "target_type": "Organization",
        **_times(call.store),
        "permissions": permissions(call.store),
        "events": [],
        "single_file_name": None,
        "suspended_by": None,
        "suspended_at": None,
    }


def permissions(store: Store) -> Document:
    found = store.get("github_app", "", "permissions")
    return PERMISSIONS if found is None else found


def set_permissions(store: Store, wanted: Document) -> None:
    store.put("github_app", "", "permissions", wanted)
    store.put("github_app", "", "times", {**_times(store), "updated_at": now()})


def _times(store: Store) -> Document:
    """Since when there is the App, which is also since when it is installed."""
    times = store.get("github_app", "", "times")
    assert times is not None  # noqa: S101 - made with the store
    return times
