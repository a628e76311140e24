"""`overskill app show NAME`: what there is of an app, and how its last run ended."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from app_stacks.cloudflare_api import ScriptAddress
from control_plane.app_store import AppStore
from infra.names import Script, check_app_id
from overskill import app_stack_file
from overskill.engine import Engine
from overskill.errors import CommandError
from overskill.fleet.projects import file_in_fleet, home
from overskill.options import LocalStack
from overskill.project import LOCAL_STACK, Project
from overskill.session import Session

Details = dict[str, Any]


def show(
    name: Annotated[str, typer.Argument(help="The app id.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    stack: LocalStack = LOCAL_STACK,
) -> None:
    """Tell an app's addresses, plan, state, repository and scripts, and how its last run ended."""
    found = details(Session(Project(), stack=stack), name)
    print(json.dumps(found, indent=2) if as_json else "\n".join(lines(found)))


def details(session: Session, app_id: str) -> Details:
    """`{"app", "displayName", "plan", "fleet", "state"?, "repository"?, "urls", "scripts", "hostnames", "lastRun"?}`.

    `fleet`: whether a file of the fleet declares it. `scripts` has by app environment whether the script is there;
    `state` is None for an app that is served, and `lastRun` before there was one: `{"kind", "result", "ended",
    "changes"}`. Raises `CommandError` for an app that is not known here.
    """
    stack, project, platform = session.app_stack(check_app_id(app_id)), session.project, session.config.overskill
    in_fleet = file_in_fleet(project, app_id, stack).exists()
    if not in_fleet and not project.app_stack_file(stack).exists():
        raise CommandError(f"there is no app {app_id!r} here; ./dev app list shows those that are")
    session.cloud.require()
    place = home(project, app_id, stack)
    own = app_stack_file.own_values(app_stack_file.read(place.file))
    engine = Engine(project, place.folder, session.environment)
    runs = json.loads(engine.capture("stack", "history", "--json", "--page-size", "1", "--stack", stack)) or [None]
    outputs = json.loads(engine.capture("stack", "output", "--json", "--stack", stack))
    with AppStore.of(session.config, session.credentials) as store:
        state = store.state(app_id)
        scripts = {e: store.settings(_address(session, app_id, e)) is not None for e in own["appEnvironments"]}
    return {
        "app": app_id,
        "displayName": own.get("displayName", app_id),
        "plan": own.get("plan", platform.default_plan),
        "fleet": in_fleet,
        "state": state and state.model_dump(mode="json", exclude_none=True),
        "repository": outputs.get("repository"),
        "urls": {**outputs.get("urls", {}), **({"path": outputs["pathUrl"]} if "pathUrl" in outputs else {})},
        "scripts": scripts,
        "hostnames": outputs.get("hostnames", {}),
        "lastRun": runs[0] and _run(runs[0]),
    }


def _address(session: Session, app_id: str, environment: Any) -> ScriptAddress:
    platform = session.config.overskill
    script = Script(app_id=app_id, environment=environment).name
    return ScriptAddress(account_id=platform.account_id, namespace=platform.namespaces[environment], script=script)


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """For people: a line for each thing."""
    state, run = found["state"], found["lastRun"]
    yield f"{found['displayName']} ({found['app']}), {'in a file of the fleet' if found['fleet'] else 'made by hand'}"
    yield f"state       {state['state']} ({state['reason']})" if state else "state       served"
    yield f"plan        {found['plan']}"
    yield f"repository  {found['repository'] or 'none'}"
    for environment, there in found["scripts"].items():
        yield f"{environment:<11} {found['urls'].get(environment, '')}{'' if there else ' (its script is gone)'}"
    if "path" in found["urls"]:
        yield f"path        {found['urls']['path']}"
    for hostname, records in found["hostnames"].items():
        yield f"hostname    {hostname}: {records['status']}, CNAME to {records['cname']}"
    if run:
        changed = ", ".join(f"{count} {kind}" for kind, count in run["changes"].items())
        yield f"last run    {run['kind']} {run['result']}, {run['ended']}: {changed}"
    else:
        yield "last run    none"


def _run(entry: Mapping[str, Any]) -> Details:
    """Of what the engine tells of a run."""
    ended = datetime.fromisoformat(entry["endTime"]).isoformat(timespec="seconds")
    return {
        "kind": entry["kind"],
        "result": entry["result"],
        "ended": ended,
        "changes": entry.get("resourceChanges", {}),
    }
