"""Organisations, which the settings name, and the repositories that they own."""

from typing import Any

from local_cloud.call import Answer, Call
from local_cloud.github.access import caller
from local_cloud.github.dialect import Created, page, unserved
from local_cloud.github.permissions import ANYONE
from local_cloud.github.repositories import RepositoryFields
from local_cloud.github.repository import add, organization_named, organization_shown, shown, shown_in_full
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="metadata")

ORGANIZATION = "/orgs/{org}"

NOTHING: Document = {
    "has_organization_projects": False,
    "has_repository_projects": False,
    "archived_at": None,
    **dict.fromkeys(("public_gists", "followers", "following"), 0),
}
"""What no organisation here has."""


class NewRepository(RepositoryFields):
    name: str


@routes.on("GET", ORGANIZATION, permission=ANYONE)
def get_organization(call: Call) -> dict[str, Any]:
    organization = organization_named(call.cloud, call["org"])
    repositories = call.store.values("repositories", organization["login"].lower())
    return {
        **organization_shown(call.cloud, organization),
        **NOTHING,
        "type": "Organization",
        "public_repos": sum(not repository["private"] for repository in repositories),
        "total_private_repos": sum(repository["private"] for repository in repositories),
        "created_at": organization["created_at"],
        "updated_at": organization["created_at"],
    }


@routes.on("GET", f"{ORGANIZATION}/repos")
def list_repositories(call: Call) -> Answer:
    """Those that the caller sees, the newest first. `type` is `all`, `public` or `private`."""
    kind = call.filters("type", "page", "per_page").get("type", "all")
    if kind not in {"all", "public", "private"}:
        raise unserved(f"type={kind}")
    login = organization_named(call.cloud, call["org"])["login"]
    who = caller(call)
    found = [
        repository
        for repository in call.store.values("repositories", login.lower())
        if (kind == "all" or repository["private"] == (kind == "private")) and who.sees(repository)
    ]
    found.sort(key=lambda repository: -repository["id"])
    listed = page(call, found)
    return Answer(body=[shown(call.cloud, repository) for repository in listed.body], headers=listed.headers)


@routes.on("POST", f"{ORGANIZATION}/repos", permission="administration")
def create_repository(call: Call) -> Created:
    """An empty repository, or with `auto_init` one whose first commit holds a README."""
    sent = call.json(NewRepository)
    if sent.license_template or sent.gitignore_template:
        raise unserved("license_template and gitignore_template: leave them out")
    if sent.default_branch not in {None, "main"}:
        raise unserved("another default branch than main")
    readme = f"# {sent.name}\n{sent.description or ''}".strip() + "\n" if sent.auto_init else None
    make_folder = call.cloud.repositories.create
    repository = add(call, call["org"], sent.name, sent.kept(), lambda owner, name: make_folder(owner, name, readme))
    return Created(body=shown_in_full(call, repository))
