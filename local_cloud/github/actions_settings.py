"""An organisation's settings of Actions: what may run, and what an OIDC token's subject names."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from local_cloud.call import Call, Strict
from local_cloud.cloud import Cloud
from local_cloud.github.dialect import Created, refusal, unserved
from local_cloud.github.repository import organization_named
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="organization_administration")

SUBJECT = "/orgs/{org}/actions/oidc/customization/sub"
PERMISSIONS = "/orgs/{org}/actions/permissions"
SELECTED = f"{PERMISSIONS}/selected-actions"

DEFAULTS: Document = {
    "oidc_subject": {"include_claim_keys": ["repo", "context"]},
    "permissions": {"enabled_repositories": "all", "allowed_actions": "all", "sha_pinning_required": False},
    "selected_actions": {"github_owned_allowed": False, "verified_allowed": False, "patterns_allowed": []},
}


def check_unique(keys: list[str]) -> list[str]:
    if len(set(keys)) != len(keys):
        raise ValueError("must be unique")
    return keys


ClaimKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]


class Subject(Strict):
    """GitHub takes claims by their form, whether there are such or not."""

    include_claim_keys: Annotated[list[ClaimKey], AfterValidator(check_unique)]


class Permissions(Strict):
    """What is not sent stays."""

    enabled_repositories: Literal["all", "none", "selected"]
    allowed_actions: Literal["all", "local_only", "selected"] | None = None
    sha_pinning_required: bool | None = None


class SelectedActions(Strict):
    github_owned_allowed: bool = False
    verified_allowed: bool = False
    patterns_allowed: list[str] = Field(default_factory=list)


@routes.on("GET", SUBJECT)
def get_subject(call: Call) -> dict[str, Any]:
    return _setting(call, "oidc_subject")


@routes.on("PUT", SUBJECT)
def put_subject(call: Call) -> Created:
    _put(call, "oidc_subject", call.json(Subject).model_dump())
    return Created(body={})


@routes.on("GET", PERMISSIONS)
def get_permissions(call: Call) -> dict[str, Any]:
    kept = _setting(call, "permissions")
    if kept["allowed_actions"] != "selected":
        return kept
    url, login = call.cloud.settings.api_url, organization_named(call.cloud, call["org"])["login"]
    return {**kept, "selected_actions_url": f"{url}/api/v3{SELECTED.format(org=login)}"}


@routes.on("PUT", PERMISSIONS)
def put_permissions(call: Call) -> None:
    """Which actions are selected is forgotten as soon as others are allowed."""
    sent = call.json(Permissions)
    if sent.enabled_repositories == "selected":
        raise unserved("enabled_repositories=selected: use all or none")
    kept = {**_setting(call, "permissions"), **sent.model_dump(exclude_none=True)}
    _put(call, "permissions", kept)
    if kept["allowed_actions"] != "selected":
        _put(call, "selected_actions", DEFAULTS["selected_actions"])


@routes.on("GET", SELECTED)
def get_selected_actions(call: Call) -> dict[str, Any]:
    _refuse_unselected(call)
    return _setting(call, "selected_actions")


@routes.on("PUT", SELECTED)
def put_selected_actions(call: Call) -> None:
    sent = call.json(SelectedActions)
    _refuse_unselected(call)
    _put(call, "selected_actions", sent.model_dump())


def _refuse_unselected(call: Call) -> None:
    if _setting(call, "permissions")["allowed_actions"] != "selected":
        raise refusal(409, "Conflict: allowed_actions of the organization is not selected")


def setting(cloud: Cloud, login: str, name: str) -> Document:
    """One of an organisation's settings, by the names of `DEFAULTS`."""
    return cloud.store.get("actions_settings", login.lower(), name) or DEFAULTS[name]


def _setting(call: Call, name: str) -> Document:
    return setting(call.cloud, organization_named(call.cloud, call["org"])["login"], name)


def _put(call: Call, name: str, value: Document) -> None:
    login = organization_named(call.cloud, call["org"])["login"]
    call.store.put("actions_settings", login.lower(), name, value)
