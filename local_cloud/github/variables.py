"""Actions variables: like secrets, but readable."""

from typing import Any

from local_cloud.call import Answer, Call, Strict
from local_cloud.github.dialect import Created, check_name, not_found, now, page, refusal
from local_cloud.github.repository import repository_of, writable_repository_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="actions_variables")

VARIABLES = "/repos/{owner}/{repo}/actions/variables"


class NewVariable(Strict):
    name: str
    value: str


class ChangedVariable(Strict):
    name: str | None = None
    value: str | None = None


@routes.on("GET", VARIABLES)
def list_variables(call: Call) -> Answer:
    variables = call.store.values("actions_variables", str(repository_of(call)["id"]))
    listed = page(call, variables)
    return Answer(body={"total_count": len(variables), "variables": listed.body}, headers=listed.headers)


@routes.on("POST", VARIABLES)
def create_variable(call: Call) -> Created:
    repository, sent = writable_repository_of(call), call.json(NewVariable)
    name, at = check_name(sent.name, "Variable"), now()
    _refuse_taken(call, repository, name)
    variable = {"name": name, "value": sent.value, "created_at": at, "updated_at": at}
    call.store.put("actions_variables", str(repository["id"]), name, variable)
    return Created(body={})


@routes.on("GET", f"{VARIABLES}/{{name}}")
def get_variable(call: Call) -> dict[str, Any]:
    return _variable(call, repository_of(call))


@routes.on("PATCH", f"{VARIABLES}/{{name}}")
def patch_variable(call: Call) -> None:
    """Change the value, the name, or both."""
    repository, sent = writable_repository_of(call), call.json(ChangedVariable)
    variable = _variable(call, repository)
    scope, name = str(repository["id"]), check_name(sent.name or variable["name"], "Variable")
    if name != variable["name"]:
        _refuse_taken(call, repository, name)
        call.store.delete("actions_variables", scope, variable["name"])
    value = variable["value"] if sent.value is None else sent.value
    call.store.put("actions_variables", scope, name, {**variable, "name": name, "value": value, "updated_at": now()})


@routes.on("DELETE", f"{VARIABLES}/{{name}}")
def delete_variable(call: Call) -> None:
    repository = writable_repository_of(call)
    call.store.delete("actions_variables", str(repository["id"]), _variable(call, repository)["name"])


def _variable(call: Call, repository: Document) -> Document:
    variable = call.store.get("actions_variables", str(repository["id"]), call["name"].upper())
    if not variable:
        raise not_found()
    return variable


def _refuse_taken(call: Call, repository: Document, name: str) -> None:
    if call.store.get("actions_variables", str(repository["id"]), name):
        raise refusal(409, "Already exists - Variable already exists")
