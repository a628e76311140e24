"""Workflows of a repository: listed, switched off and on, run by hand."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from local_cloud import git_history
from local_cloud.actions import runs, workflows
from local_cloud.actions.views import run_shown, workflow_shown
from local_cloud.actions.workflow import WorkflowError, read
from local_cloud.call import Answer, Call, Strict
from local_cloud.git_history import BRANCHES, TAGS
from local_cloud.github.access import caller
from local_cloud.github.dialect import not_found, page, refusal
from local_cloud.github.events import Event, setting
from local_cloud.github.outbox import announce
from local_cloud.github.places import folder
from local_cloud.github.repository import repository_of, writable_repository_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="actions")

WORKFLOWS = "/repos/{owner}/{repo}/actions/workflows"
WORKFLOW = f"{WORKFLOWS}/{{workflow}}"
MAX_INPUTS = 25
DISPATCH = "workflow_dispatch"


class Dispatch(Strict):
    ref: str
    inputs: dict[str, Any] = Field(default_factory=dict, max_length=MAX_INPUTS)
    return_run_details: bool = False


@routes.on("GET", WORKFLOWS)
def list_workflows(call: Call) -> Answer:
    repository = repository_of(call)
    shown = [workflow_shown(call.cloud, repository, one) for one in workflows.known(call.cloud, repository)]
    listed = page(call, shown)
    return Answer(body={"total_count": len(shown), "workflows": listed.body}, headers=listed.headers)


@routes.on("GET", WORKFLOW)
def get_workflow(call: Call) -> dict[str, Any]:
    """By its id, or by its file's name."""
    repository = repository_of(call)
    return workflow_shown(call.cloud, repository, workflow_of(call, repository))


@routes.on("PUT", f"{WORKFLOW}/disable")
def disable_workflow(call: Call) -> None:
    _set_state(call, "disabled_manually")


@routes.on("PUT", f"{WORKFLOW}/enable")
def enable_workflow(call: Call) -> None:
    _set_state(call, "active")


@routes.on("POST", f"{WORKFLOW}/dispatches")
def dispatch(call: Call) -> dict[str, Any] | None:
    """Run a workflow at a branch or tag, as far as its file there says that this can be done, and with which inputs."""
    repository, sent = writable_repository_of(call), call.json(Dispatch)
    workflow = workflow_of(call, repository)
    if workflow["state"] != "active":
        raise refusal(422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow")
    path = folder(call.cloud, repository)
    ref = _full_ref(git_history.refs(path), sent.ref)
    inputs = _inputs(workflow, git_history.file(path, ref, workflow["path"]), sent.inputs)
    payload = {
        "inputs": inputs,
        "ref": ref,
        "workflow": workflow["path"],
        **setting(call.cloud, repository, caller(call).login),
    }
    before = {run["id"] for run in call.store.values("workflow_runs", str(repository["id"]))}
    announce(call.cloud, repository, Event(name=DISPATCH, payload=payload))
    if not sent.return_run_details:
        return None
    made = [run for run in call.store.values("workflow_runs", str(repository["id"])) if run["id"] not in before]
    shown = run_shown(call.cloud, repository, made[0])
    return {"workflow_run_id": shown["id"], "run_url": shown["url"], "html_url": shown["html_url"]}


def workflow_of(call: Call, repository: Document) -> Document:
    """The workflow in the call's path, or 404."""
    workflow = workflows.named(call.cloud, repository, call["workflow"])
    if not workflow:
        raise not_found()
    return workflow


def _set_state(call: Call, state: str) -> None:
    repository = writable_repository_of(call)
    workflows.put(call.cloud, repository, {**workflow_of(call, repository), "state": state})


def _full_ref(refs: Mapping[str, str], ref: str) -> str:
    for candidate in (ref, BRANCHES + ref, TAGS + ref):
        if candidate in refs:
            return candidate
    raise refusal(422, f"No ref found for: {ref}")


def _inputs(workflow: Document, text: str | None, sent: Mapping[str, Any]) -> dict[str, str]:
    """All inputs of the workflow as texts: those sent, and the defaults of the others."""
    try:
        events = read(workflow["path"], text or "").events
    except WorkflowError as error:
        raise refusal(422, f"failed to parse workflow: {error}") from None
    if DISPATCH not in events:
        raise refusal(422, f"Workflow does not have '{DISPATCH}' trigger")
    known = {name: described or {} for name, described in (events[DISPATCH].get("inputs") or {}).items()}
    if unexpected := sorted(sent.keys() - known.keys()):
        raise refusal(422, f"Unexpected inputs provided: {json.dumps(unexpected)}")
    inputs = {}
    for name, described in known.items():
        value = _input(sent[name]) if name in sent else described.get("default")
        if value is None and described.get("required") == "true":
            raise refusal(422, f"Required input '{name}' not provided")
        if value and described.get("type") == "choice" and value not in described.get("options", []):
            raise refusal(422, f"Provided value '{value}' for input '{name}' not in the list of allowed values")
        inputs[name] = value if value is not None else "false" if described.get("type") == "boolean" else ""
    return inputs


def _input(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@routes.on("GET", f"{WORKFLOW}/runs")
def list_runs_of_workflow(call: Call) -> Answer:
    repository = repository_of(call)
    workflow = workflow_of(call, repository)
    return runs_listed(call, repository, workflow["id"])


def runs_listed(call: Call, repository: Document, workflow: int | None = None) -> Answer:
    """The runs that the query asks for, the newest first."""
    wanted = call.filters("actor", "branch", "event", "head_sha", "page", "per_page", "status")
    found = [
        run
        for run in runs.filtered(reversed(call.store.values("workflow_runs", str(repository["id"]))), wanted)
        if workflow in {run["workflow_id"], None}
    ]
    listed = page(call, found)
    shown = [run_shown(call.cloud, repository, run) for run in listed.body]
    return Answer(body={"total_count": len(found), "workflow_runs": shown}, headers=listed.headers)
