"""Installations of the App, and the tokens by which they call: for some repositories, or for some of what the App may
do, for an hour."""

from typing import Annotated, Any, Literal

from pydantic import Field

from local_cloud.call import Answer, Call, Strict
from local_cloud.github.access import caller, issue, revoke
from local_cloud.github.app import installation_shown, permissions
from local_cloud.github.dialect import Created, not_found, page, refusal
from local_cloud.github.permissions import AS_APP, AS_INSTALLATION, LEVELS
from local_cloud.github.repository import shown
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission=AS_APP)

INSTALLATIONS = "/app/installations"
MAX_REPOSITORIES = 500


class NewToken(Strict):
    """What is left out, or empty, is everything that the installation has."""

    repositories: Annotated[list[str], Field(max_length=MAX_REPOSITORIES)] | None = None
    repository_ids: Annotated[list[int], Field(max_length=MAX_REPOSITORIES)] | None = None
    permissions: dict[str, Literal["read", "write", "admin"]] | None = None


@routes.on("GET", INSTALLATIONS)
def list_installations(call: Call) -> Answer:
    call.filters("page", "per_page", "outdated")
    return page(call, [installation_shown(call.cloud, organization) for organization in _organizations(call)])


@routes.on("GET", f"{INSTALLATIONS}/{{installation}}")
def get_installation(call: Call) -> dict[str, Any]:
    return installation_shown(call.cloud, _organization(call))


@routes.on("POST", f"{INSTALLATIONS}/{{installation}}/access_tokens")
def create_token(call: Call) -> Created:
    """`token` is shown this once."""
    organization, sent = _organization(call), call.json(NewToken) if call.body else NewToken()
    granted = _granted(call, sent.permissions or {})
    selected = _selected(call, organization, sent)
    token, expires_at = issue(call.store, organization, granted, [repository["id"] for repository in selected] or None)
    body = {"token": token, "expires_at": expires_at, "permissions": granted}
    if not selected:
        return Created(body={**body, "repository_selection": "all"})
    listed = [shown(call.cloud, repository) for repository in selected]
    return Created(body={**body, "repository_selection": "selected", "repositories": listed})


@routes.on("DELETE", "/installation/token", permission=AS_INSTALLATION)
def revoke_token(call: Call) -> None:
    """The one that asks."""
    revoke(call)


@routes.on("GET", "/installation/repositories", permission=AS_INSTALLATION)
def list_repositories(call: Call) -> Answer:
    """Those that the token reaches, the oldest first."""
    call.filters("page", "per_page")
    who = caller(call)
    assert who.token is not None  # noqa: S101 - else the call is not admitted
    owned = call.store.values("repositories", who.token["organization"].lower())
    found = sorted((one for one in owned if who.reaches(one)), key=lambda repository: repository["id"])
    listed = page(call, [shown(call.cloud, repository) for repository in found])
    selection = "all" if who.token["repositories"] is None else "selected"
    body = {"total_count": len(found), "repository_selection": selection, "repositories": listed.body}
    return Answer(body=body, headers=listed.headers)


def _organizations(call: Call) -> list[Document]:
    return sorted(call.store.values("organizations", ""), key=lambda organization: organization["id"])


def _organization(call: Call) -> Document:
    """That of the installation in the call's path, or 404."""
    found = [one for one in _organizations(call) if str(one["id"]) == call["installation"]]
    if not found:
        raise not_found()
    return found[0]


def _granted(call: Call, wanted: Document) -> Document:
    """What a token may do that asks for `wanted`; refused if the App may not do all of it."""
    held = permissions(call.store)
    if wanted.keys() - held.keys():
        raise refusal(422, "The permissions requested are not granted to this installation.")
    if any(level not in LEVELS[: LEVELS.index(held[name]) + 1] for name, level in wanted.items()):
        raise refusal(422, "The level of access for permissions requested are not granted to this installation.")
    # Whoever may do anything in a repository may know that it is there.
    return {**wanted, "metadata": "read"} if wanted and "metadata" in held else wanted or held


def _selected(call: Call, organization: Document, sent: NewToken) -> list[Document]:
    """The repositories that a token is to be for, none if it is for all; refused if one of them is not there."""
    owned = call.store.values("repositories", organization["login"].lower())
    names, ids = {name.lower() for name in sent.repositories or []}, set(sent.repository_ids or [])
    selected = [one for one in owned if one["name"].lower() in names or one["id"] in ids]
    if names - {one["name"].lower() for one in selected} or ids - {one["id"] for one in selected}:
        message = (
            "There is at least one repository that does not exist or is not accessible to the parent installation."
        )
        raise refusal(422, message)
    return selected
