"""The workflows of a repository: files at a commit, and what is known of each by its path.

A workflow is known (`workflows`, by repository and path: `{id, path, name, state, created_at, updated_at, runs}`) as
soon as it is on the default branch when somebody asks, or has run.
"""

import json
from pathlib import Path
from typing import Any

from local_cloud import git_history
from local_cloud.actions.workflow import FOLDER, Workflow, WorkflowError, read
from local_cloud.cloud import Cloud
from local_cloud.git_history import BRANCHES
from local_cloud.github.dialect import now
from local_cloud.github.places import folder, html_url
from local_cloud.store import Document


def files(path: Path, sha: str) -> list[str]:
    """The paths of the workflow files of a commit."""
    return [name for name in git_history.folder(path, sha, FOLDER) if name.endswith((".yml", ".yaml"))]


def at(path: Path, sha: str, file: str) -> Workflow | None:
    """The workflow in a file of a commit, None if there is no such file. Raises `WorkflowError`."""
    text = git_history.file(path, sha, file)
    return None if text is None else read(file, text)


def register(cloud: Cloud, repository: Document, file: str, name: str) -> Document:
    """The workflow of that path, new or known, under the name that it has now."""
    known, at_time = cloud.store.get("workflows", str(repository["id"]), file), now()
    if known and known["name"] == name:
        return known
    identity = known or {"id": cloud.store.next_number(), "state": "active", "created_at": at_time, "runs": 0}
    return put(cloud, repository, {**identity, "path": file, "name": name, "updated_at": at_time})


def count_run(cloud: Cloud, repository: Document, workflow: Document) -> Document:
    return put(cloud, repository, {**workflow, "runs": workflow["runs"] + 1})


def put(cloud: Cloud, repository: Document, workflow: Document) -> Document:
    cloud.store.put("workflows", str(repository["id"]), workflow["path"], workflow)
    return workflow


def known(cloud: Cloud, repository: Document) -> list[Document]:
    """Every workflow, those of the default branch that nobody has met yet included, the oldest first."""
    path = folder(cloud, repository)
    sha = git_history.refs(path).get(BRANCHES + repository["default_branch"])
    for file in files(path, sha) if sha else []:
        try:
            workflow = at(path, sha or "", file)
        except WorkflowError:
            workflow = None
        register(cloud, repository, file, workflow.name if workflow else file)
    found = cloud.store.values("workflows", str(repository["id"]))
    return sorted(found, key=lambda workflow: workflow["id"])


def named(cloud: Cloud, repository: Document, name: str) -> Document | None:
    """By its id, or by its file's name."""
    return next(
        (one for one in known(cloud, repository) if name in {str(one["id"]), one["path"].removeprefix(FOLDER)}), None
    )


def payload_of(cloud: Cloud, run: Document) -> Document:
    """The event that a run is for."""
    return json.loads(cloud.store.blob(run["blob"]))


def contexts(cloud: Cloud, repository: Document, run: Document) -> dict[str, Any]:
    """What expressions may name before a run."""
    payload = payload_of(cloud, run)
    variables = cloud.store.values("actions_variables", str(repository["id"]))
    return {
        "github": github_context(cloud, repository, run, payload),
        "inputs": payload.get("inputs") or {},
        "vars": {variable["name"]: variable["value"] for variable in variables},
    }


def github_context(cloud: Cloud, repository: Document, run: Document, payload: Document) -> dict[str, Any]:
    """The `github` context; each text in it is `GITHUB_...` in the environment of a run."""
    root, full_name = cloud.settings.api_url, f"{repository['owner']}/{repository['name']}"
    owner = cloud.store.get("organizations", "", repository["owner"].lower()) or {"id": 0}
    pull = payload.get("pull_request") or {}
    kind, _, name = run["ref"].removeprefix("refs/").partition("/")
    return {
        "repository": full_name,
        "repository_id": str(repository["id"]),
        "repository_owner": repository["owner"],
        "repository_owner_id": str(owner["id"]),
        "repositoryUrl": f"{html_url(cloud, repository)}.git",
        "event_name": run["event"],
        "event": payload,
        "ref": run["ref"],
        "ref_name": name,
        "ref_type": "tag" if kind == "tags" else "branch",
        "ref_protected": "false",
        "sha": run["sha"],
        "head_ref": pull["head"]["ref"] if pull else "",
        "base_ref": pull["base"]["ref"] if pull else "",
        "actor": run["actor"]["login"],
        "actor_id": str(run["actor"]["id"]),
        "triggering_actor": run["triggering_actor"]["login"],
        "workflow": run["name"],
        "workflow_ref": f"{full_name}/{run['path']}@{run['ref']}",
        "workflow_sha": run["sha"],
        "run_id": str(run["id"]),
        "run_number": str(run["run_number"]),
        "run_attempt": str(run["run_attempt"]),
        "server_url": root,
        "api_url": f"{root}/api/v3",
        "graphql_url": f"{root}/api/graphql",
        "retention_days": "90",
    }
