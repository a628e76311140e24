"""What act is given for one run: files in a folder of the run's own, a command line without secrets, an environment.

What act itself keeps for a run is in that folder too, so that removing it removes everything.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from local_cloud import git_history
from local_cloud.actions import workflows
from local_cloud.actions.expressions import ExpressionError, interpolate
from local_cloud.actions.id_token import request_variables
from local_cloud.actions.prepared import prepare
from local_cloud.actions.rules import refused_actions, refused_environment
from local_cloud.actions.run_token import run_token
from local_cloud.actions.uses import absent_place, refusals, used, write_absent
from local_cloud.actions.workflow import RUNNERS, Workflow, WorkflowError
from local_cloud.cloud import Cloud
from local_cloud.github.places import folder as repository_folder
from local_cloud.state import write_private
from local_cloud.store import Document

INHERITED = ("PATH", "LANG", "LC_ALL", "TMPDIR", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Of the local cloud's own environment a run gets these, and the settings of proxies and of npm."""

TRACKING = "RUNNER_TRACKING_ID"
"""Every process of a run has this variable, whatever has become of its parents."""


class PlanError(Exception):
    """The run can't begin; the message says everything that is in the way."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that a run needs. `text` is the workflow file as act gets it; `hidden` is what no log may show."""

    run: Document
    repository_id: int
    workflow: Workflow
    text: str
    contexts: Mapping[str, object]
    variables: Mapping[str, str]
    secrets: Mapping[str, str]
    hidden: tuple[str, ...]
    copies: Mapping[str, Path]
    absent: tuple[str, ...]
    act: Path


def plan(cloud: Cloud, repository: Document, run: Document) -> Plan:
    """Raises `PlanError`."""
    path = repository_folder(cloud, repository)
    text = git_history.file(path, run["sha"], run["path"]) or ""
    try:
        workflow = workflows.at(path, run["sha"], run["path"])
    except WorkflowError as error:
        raise PlanError(str(error)) from None
    if not workflow:
        raise PlanError(f"{run['path']} is not in {run['sha']}")
    contexts = workflows.contexts(cloud, repository, run)
    actions = used(workflow, path, run["sha"])
    problems = [*refused_actions(cloud, repository, actions.all), *refusals(actions.missing)]
    problems += [f"job {job.id}: {what}" for job in workflow.jobs.values() for what in job.problems]
    program = cloud.settings.act
    if not program:
        problems.append("the local cloud has no act, which runs workflows: start it with --act PATH, as ./dev up does")
    requests: dict[str, Mapping[str, str]] = {}
    for job in workflow.jobs.values():
        try:
            environment = interpolate(job.environment, contexts)
        except ExpressionError as error:
            problems.append(f"job {job.id}: environment: {error}")
            continue
        if refused := refused_environment(cloud, repository, environment, run["ref"]):
            problems.append(f"job {job.id}: {refused}")
        if job.permissions.get("id-token") == "write":
            requests[job.id] = request_variables(cloud, repository, run, job.id, environment)
    if problems or not program:
        raise PlanError("\n".join(problems))
    token = run_token(cloud, repository, run, workflow)
    secrets = {
        secret["name"]: cloud.vault.open(secret["sealed"])
        for secret in cloud.store.values("actions_secrets", str(repository["id"]))
    }
    bearers = [variables["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] for variables in requests.values()]
    return Plan(
        run=run,
        repository_id=repository["id"],
        workflow=workflow,
        text=prepare(text, workflow, lambda job: requests.get(job, {})),
        contexts=contexts,
        variables={**_variables(cloud, repository, run, contexts), TRACKING: tracking_id(cloud, run)},
        secrets={**secrets, "GITHUB_TOKEN": token},
        hidden=(*secrets.values(), token, *bearers),
        copies=actions.copies,
        absent=actions.absent,
        act=program.absolute(),
    )


def tracking_id(cloud: Cloud, run: Document | None = None) -> str:
    """What the processes of a run are known by; of any run of this local cloud, the beginning of it."""
    return f"local-cloud {cloud.state.path} {run['guid'] if run else ''}"


def write(made: Plan, folder: Path) -> None:
    """Fill the folder of a run, which nobody else may read."""
    folder.mkdir(mode=0o700, parents=True)
    for name in ("home", "work", "workflow"):
        (folder / name).mkdir()
    payload = made.contexts["github"]["event"]
    write_private(folder / "event.json", json.dumps(payload).encode())
    write_private(folder / "secrets.yml", json.dumps(made.secrets).encode())
    write_private(folder / "vars.yml", json.dumps(made.contexts["vars"]).encode())
    write_private(folder / "env.yml", json.dumps(made.variables).encode())
    write_private(folder / "workflow" / Path(made.run["path"]).name, made.text.encode())
    for uses in made.absent:
        write_absent(uses, folder / "absent")


def command(made: Plan, folder: Path) -> list[str]:
    options: dict[str, object] = {
        "--workflows": folder / "workflow" / Path(made.run["path"]).name,
        "--directory": folder / "work",
        "--eventpath": folder / "event.json",
        "--secret-file": folder / "secrets.yml",
        "--var-file": folder / "vars.yml",
        "--env-file": folder / "env.yml",
        "--input-file": folder / "none",
        "--actor": made.run["actor"]["login"],
        "--action-cache-path": folder / "cache",
    }
    words = [str(word) for option in options.items() for word in option]
    words += ["--json", "--no-cache-server", "--no-skip-checkout", "--action-offline-mode"]
    for label in RUNNERS:
        words += ["--platform", f"{label}=-self-hosted"]
    stand_ins = dict(absent_place(uses, folder / "absent") for uses in made.absent)
    for uses, copy in {**made.copies, **stand_ins}.items():
        words += ["--local-repository", f"{uses}={copy}"]
    return [str(made.act), made.run["event"], *words]


def environment(cloud: Cloud, made: Plan, folder: Path) -> dict[str, str]:
    """Of act, and so of each step. The home is the run's own: no setting of this machine's user is in it, but npm's."""
    kept = cloud.state.actions
    own = {
        "HOME": str(folder / "home"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "XDG_CONFIG_HOME": str(folder / "home" / ".config"),
        "LOCAL_CLOUD_ARTIFACTS": str(folder / "artifacts"),
        "LOCAL_CLOUD_CACHES": str(kept / "caches" / str(made.repository_id)),
        "npm_config_cache": str(kept / "npm-cache"),
        "npm_config_userconfig": str(Path.home() / ".npmrc"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        TRACKING: made.variables[TRACKING],
    }
    return {**dict(_inherited()), **own}


def _inherited() -> Iterator[tuple[str, str]]:
    for name, value in os.environ.items():
        if name in INHERITED or name.lower().startswith("npm_config_") or name.lower().endswith("_proxy"):
            yield name, value


def _variables(cloud: Cloud, repository: Document, run: Document, contexts: Mapping[str, object]) -> Mapping[str, str]:
    """`GITHUB_...` as GitHub sets it, for what act does not know by itself."""
    texts = {
        f"GITHUB_{name.upper()}": value
        for name, value in contexts["github"].items()
        if isinstance(value, str) and name != "repositoryUrl"
    }
    # act takes the commit by this name alone.
    return {**texts, "SHA_REF": run["sha"], "RUNNER_ENVIRONMENT": "github-hosted"}
