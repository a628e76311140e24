"""Which workflows an event makes run: those of the repository, at the event's commit, that want it."""

import json
import logging
import uuid
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from local_cloud import git_history
from local_cloud.actions import matching, runs, workflows
from local_cloud.actions.expressions import ExpressionError, interpolate
from local_cloud.actions.workflow import Workflow, WorkflowError
from local_cloud.cloud import Cloud
from local_cloud.git_history import BRANCHES, NONE
from local_cloud.github import actions_settings
from local_cloud.github.accounts import ACTIONS
from local_cloud.github.dialect import now
from local_cloud.github.events import Event
from local_cloud.github.places import folder
from local_cloud.store import Document

MAX_DEPTH = 3
"""So many runs may follow each other by `workflow_run`."""

UNFOLLOWED = {"push", "pull_request"}
"""What makes no run if a run has done it with its token: it could go on for ever."""

SKIP = ("[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]")

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """What an event makes workflows run at. `ref` is what the run is told, `sha` where its files are from; `compared`
    are the revisions whose differences are the changed paths, empty if nobody knows. `depth` counts the
    runs that led to this one by `workflow_run`."""

    ref: str
    sha: str
    branch: str
    title: str
    compared: str = ""
    pull_requests: tuple[dict[str, Any], ...] = ()
    depth: int = 0


def begin(cloud: Cloud, repository: Document, event: Event) -> list[Event]:
    """Make the runs, which wait for the runner; returns what is to be told of them."""
    if event.name not in _OCCASIONS or not _enabled(cloud, repository):
        return []
    if event.name in UNFOLLOWED and event.payload["sender"]["login"] == ACTIONS:
        return []
    occasion = _OCCASIONS[event.name](cloud, repository, event.payload)
    if not occasion:
        return []
    told = []
    for file in workflows.files(folder(cloud, repository), occasion.sha):
        told += _begin_one(cloud, repository, event, occasion, file)
    return told


def _begin_one(cloud: Cloud, repository: Document, event: Event, occasion: Occasion, file: str) -> list[Event]:
    path = folder(cloud, repository)
    if event.name == "workflow_dispatch" and event.payload["workflow"] != file:
        return []
    problem, workflow = "", None
    try:
        workflow = workflows.at(path, occasion.sha, file)
    except WorkflowError as error:
        # GitHub has every push fail that brings a file which it can't read.
        if event.name != "push":
            return []
        problem = f"Invalid workflow file: {error}"
    changed_paths = partial(_changed_paths, path, occasion)
    if workflow and not (
        event.name in workflow.events
        and matching.wants(workflow.events[event.name], event.name, event.payload, changed_paths)
    ):
        return []
    registered = workflows.register(cloud, repository, file, workflow.name if workflow else file)
    if registered["state"] != "active":
        return []
    registered = workflows.count_run(cloud, repository, registered)
    run = _run(cloud, repository, registered, event, occasion)
    if workflow:
        problem, run = _named(cloud, repository, workflow, run)
    if problem:
        log.warning("%s/%s: %s", repository["owner"], repository["name"], problem)
        return [
            *runs.enqueue(cloud, repository, run, cancel=False),
            *runs.complete(cloud, repository, run, "startup_failure", problem),
        ]
    return runs.enqueue(cloud, repository, run, cancel=run["cancels"])


def _run(cloud: Cloud, repository: Document, workflow: Document, event: Event, occasion: Occasion) -> Document:
    at = now()
    return {
        "id": cloud.store.next_number(),
        "guid": str(uuid.uuid4()),
        "run_number": workflow["runs"],
        "run_attempt": 1,
        "workflow_id": workflow["id"],
        "path": workflow["path"],
        "name": workflow["name"],
        "display_title": occasion.title or workflow["name"],
        "event": event.name,
        **dict.fromkeys(("actor", "triggering_actor"), event.payload["sender"]),
        "head_branch": occasion.branch,
        "head_sha": occasion.sha,
        "ref": occasion.ref,
        "sha": occasion.sha,
        "status": "queued",
        "conclusion": None,
        "created_at": at,
        "updated_at": at,
        "run_started_at": at,
        "pull_requests": list(occasion.pull_requests),
        "group": None,
        "depth": occasion.depth,
        "cancels": False,
        "cancel": False,
        "problem": "",
        "blob": cloud.store.put_blob(json.dumps(event.payload).encode()),
    }


def _named(cloud: Cloud, repository: Document, workflow: Workflow, run: Document) -> tuple[str, Document]:
    """What is wrong, if anything, and the run with its title and concurrency group, which may be expressions."""
    contexts = workflows.contexts(cloud, repository, run)
    try:
        if workflow.run_name:
            run = {**run, "display_title": interpolate(workflow.run_name, contexts)}
        if workflow.concurrency:
            group = interpolate(workflow.concurrency.group, contexts)
            cancels = interpolate(workflow.concurrency.cancel, contexts) == "true"
            run = {**run, "group": group, "cancels": cancels}
    except ExpressionError as error:
        return f"{workflow.path}: {error}", run
    return "", run


def _enabled(cloud: Cloud, repository: Document) -> bool:
    settings = actions_settings.setting(cloud, repository["owner"], "permissions")
    return settings["enabled_repositories"] == "all" and not repository["archived"]


def _changed_paths(path: Path, occasion: Occasion) -> list[str] | None:
    return git_history.paths_between(path, occasion.compared) if occasion.compared else None


def _pushed(cloud: Cloud, repository: Document, payload: Document) -> Occasion | None:
    head = payload["head_commit"]
    if payload["deleted"] or not head or any(word in head["message"] for word in SKIP):
        return None
    return Occasion(
        ref=payload["ref"],
        sha=head["id"],
        branch=payload["ref"].split("/", 2)[2],
        title=head["message"].partition("\n")[0],
        compared="" if payload["before"] == NONE else f"{payload['before']}..{head['id']}",
    )


def _pull_request(cloud: Cloud, repository: Document, payload: Document) -> Occasion | None:
    """At the head of the pull request: there is no merge commit of it here."""
    pull = payload["pull_request"]
    head, base, number = pull["head"], pull["base"], payload["number"]
    commits = git_history.commits(folder(cloud, repository), [head["sha"]])
    if not commits or any(word in commits[0].message for word in SKIP):
        return None
    shown = {"id": pull["id"], "number": number, "url": pull["url"]}
    sides = {side: _side(pull[side]) for side in ("head", "base")}
    return Occasion(
        ref=f"refs/pull/{number}/merge",
        sha=head["sha"],
        branch=head["ref"],
        title=pull["title"],
        compared=f"{base['sha']}...{head['sha']}",
        pull_requests=({**shown, **sides},),
    )


def _side(side: Document) -> Document:
    """The head or the base of a pull request, as a run shows it."""
    repository = {name: side["repo"][name] for name in ("id", "url", "name")}
    return {"ref": side["ref"], "sha": side["sha"], "repo": repository}


def _dispatched(cloud: Cloud, repository: Document, payload: Document) -> Occasion | None:
    sha = git_history.find_commit(folder(cloud, repository), payload["ref"].removeprefix("refs/"))
    ref = payload["ref"]
    return Occasion(ref=ref, sha=sha, branch=ref.split("/", 2)[2], title="") if sha else None


def _default_branch(cloud: Cloud, repository: Document, payload: Document) -> Occasion | None:
    branch = repository["default_branch"]
    ref = BRANCHES + branch
    sha = git_history.refs(folder(cloud, repository)).get(ref)
    title = payload["action"] if "client_payload" in payload else ""
    return Occasion(ref=ref, sha=sha, branch=branch, title=title) if sha else None


def _followed(cloud: Cloud, repository: Document, payload: Document) -> Occasion | None:
    before = runs.run_of(cloud, repository, payload["workflow_run"]["id"])
    occasion, depth = _default_branch(cloud, repository, payload), before["depth"] + 1 if before else 0
    return replace(occasion, depth=depth) if occasion and depth <= MAX_DEPTH else None


_OCCASIONS = {
    "pull_request": _pull_request,
    "push": _pushed,
    "repository_dispatch": _default_branch,
    "workflow_dispatch": _dispatched,
    "workflow_run": _followed,
}
