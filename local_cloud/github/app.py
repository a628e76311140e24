"""GitHub's one App, and its installations: it has one on every organisation. Its key is in credentials.json."""

from typing import Any

from local_cloud.call import Call
from local_cloud.cloud import Cloud
from local_cloud.github.accounts import ACTIONS, APP, BOTS, SLUG
from local_cloud.github.dialect import now
from local_cloud.github.links import account_shown
from local_cloud.github.permissions import AS_APP
from local_cloud.github.repository import organization_named, owner_shown, repository_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document, Store

routes = RouteTable(permission=AS_APP)

PERMISSIONS: Document = {
    "actions": "write",
    "actions_variables": "write",
    "administration": "write",
    "checks": "write",
    "contents": "write",
    "deployments": "write",
    "environments": "write",
    "issues": "write",
    "metadata": "read",
    "organization_administration": "write",
    "pull_requests": "write",
    "repository_hooks": "write",
    "secrets": "write",
    "statuses": "write",
    "workflows": "write",
}
"""What the App may do, unless `PUT /_local/github-app` has changed that."""


ACTIONS_ID = 15_368
"""Of the App of Actions, as everywhere on GitHub."""


@routes.on("GET", "/app")
def get_app(call: Call) -> dict[str, Any]:
    return app_shown(call.cloud)


@routes.on("GET", "/orgs/{org}/installation")
def get_organizations_installation(call: Call) -> dict[str, Any]:
    return installation_shown(call.cloud, organization_named(call.cloud, call["org"]))


@routes.on("GET", "/repos/{owner}/{repo}/installation")
def get_repositorys_installation(call: Call) -> dict[str, Any]:
    """That of its organisation, for all of whose repositories it is."""
    return installation_shown(call.cloud, organization_named(call.cloud, repository_of(call)["owner"]))


def app_shown(cloud: Cloud) -> dict[str, Any]:
    credentials, organizations = cloud.credentials, cloud.store.values("organizations", "")
    return {
        "id": app_id(cloud, APP),
        "client_id": credentials.github_client_id,
        "slug": SLUG,
        "node_id": f"A_{credentials.github_app_id}",
        "owner": owner_shown(cloud, organizations[0]["login"]) if organizations else None,
        "name": SLUG,
        "description": None,
        "external_url": cloud.settings.api_url,
        "html_url": f"{cloud.settings.api_url}/apps/{SLUG}",
        **_times(cloud.store),
        "permissions": permissions(cloud.store),
        "events": [],
        "installations_count": len(organizations),
    }


def app_id(cloud: Cloud, bot: str) -> int:
    """Of the App that a bot is of."""
    return ACTIONS_ID if bot == ACTIONS else int(cloud.credentials.github_app_id)


def performer_shown(cloud: Cloud, by: str) -> dict[str, Any] | None:
    """The App whose bot has done something; None if it was the user."""
    return {APP: app_shown, ACTIONS: _actions_shown}[by](cloud) if by in BOTS else None


def installation_shown(cloud: Cloud, organization: Document) -> dict[str, Any]:
    """Known by its organisation's id: there is one App."""
    number, url = organization["id"], cloud.settings.api_url
    return {
        "id": number,
        "account": owner_shown(cloud, organization["login"]),
        "repository_selection": "all",
        "access_tokens_url": f"{url}/api/v3/app/installations/{number}/access_tokens",
        "repositories_url": f"{url}/api/v3/installation/repositories",
        "html_url": f"{url}/organizations/{organization['login']}/settings/installations/{number}",
        "app_id": app_id(cloud, APP),
        "client_id": cloud.credentials.github_client_id,
        "app_slug": SLUG,
        "target_id": number,
        "target_type": "Organization",
        **_times(cloud.store),
        "permissions": permissions(cloud.store),
        "events": [],
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": None,
        "suspended_at": None,
    }


def permissions(store: Store) -> Document:
    found = store.get("github_app", "", "permissions")
    return PERMISSIONS if found is None else found


def set_permissions(store: Store, wanted: Document) -> None:
    store.put("github_app", "", "permissions", wanted)
    store.put("github_app", "", "times", {**_times(store), "updated_at": now()})


def _actions_shown(cloud: Cloud) -> dict[str, Any]:
    """The App of Actions, which GitHub itself has."""
    return {
        "id": ACTIONS_ID,
        "client_id": "Iv1.05c79e9ad1f6bdfa",
        "slug": "github-actions",
        "node_id": f"A_{ACTIONS_ID}",
        "owner": account_shown(cloud, "github", 9919, "Organization"),
        "name": "GitHub Actions",
        "description": "Automate your workflow from idea to production",
        "external_url": "https://help.github.com/en/actions",
        "html_url": f"{cloud.settings.api_url}/apps/github-actions",
        **_times(cloud.store),
        "permissions": PERMISSIONS,
        "events": [],
    }


def _times(store: Store) -> Document:
    """Since when there is the App, which is also since when it is installed."""
    times = store.get("github_app", "", "times")
    assert times is not None  # noqa: S101 - made with the store
    return times
