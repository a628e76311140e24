"""Declared and listed, held against each other. Pure: what a list cannot tell is not looked for here."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from app_stacks.repository_settings import SETTINGS
from app_stacks.script_settings import owner
from control_plane.apps import Declaration
from infra.names import Script, parse_script
from overskill.drift.findings import PARTS, Drift, Finding
from overskill.drift.lists import DATA, Lists
from overskill.drift.place import Place

SCRIPT, REPOSITORY = "NamespaceScript", "Repository"
KINDS = {"kv_namespace": "WorkersKvNamespace", "d1": "D1Database", "r2_bucket": "R2Bucket"}


def script_name(namespace: str, name: str) -> str:
    return f"{namespace}/{name}"


def of_app(place: Place, app: Declaration, lists: Lists) -> Iterator[Finding]:
    """What the lists tell of one app that is declared."""
    stack = place.app_stack(app.app_id)
    for declared in app.places.values():
        name = script_name(declared.namespace, declared.script)
        listed = lists.scripts.get((declared.namespace, declared.script))
        if listed is None:
            yield Finding(stack=stack, resource=SCRIPT, name=name, drift="missing")
        else:
            yield from _of_tags(stack, name, app.app_id, declared.tags, listed.get("tags"))
        for binding in declared.bindings:
            if (kind := binding["type"]) in lists.data and binding[DATA[kind]] not in lists.data[kind]:
                yield Finding(stack=stack, resource=KINDS[kind], name=binding[DATA[kind]], drift="missing")
    yield from _of_repository(stack, app, lists.repositories)
    for kind, names, there in _belongings(app, lists):
        for name in names:
            if name not in there:
                yield Finding(stack=stack, resource=kind, name=name, drift="missing")


def _belongings(app: Declaration, lists: Lists) -> Iterator[tuple[str, Sequence[str], set[str]]]:
    """What else the app has, by kind: what is declared, and what is there."""
    if app.belongings and lists.records is not None:
        yield "WorkersKv", app.belongings.records, lists.records
    if app.belongings and lists.hostnames is not None:
        yield "CustomHostname", app.belongings.hostnames, lists.hostnames


def _of_tags(stack: str, name: str, app_id: str, declared: list[str], listed: list[str] | None) -> Iterator[Finding]:
    """A list that tells no tags tells nothing of them."""
    if listed is None or {*declared} == {*listed}:
        return
    if theirs := [tag for tag in owner(listed) if tag != f"app-{app_id}"]:
        told = f"it is tagged {', '.join(theirs)}"
        yield Finding(stack=stack, resource=SCRIPT, name=name, drift="foreign", detail=told)
    else:
        told = tags_told(declared, listed)
        yield Finding(stack=stack, resource=SCRIPT, name=name, drift="changed", detail=told)


def tags_told(declared: Collection[str], listed: Collection[str]) -> str:
    """How they differ."""
    lost, added = sorted({*declared} - {*listed}), sorted({*listed} - {*declared})
    told = [f"{kind} {', '.join(tags)}" for kind, tags in (("tags without", lost), ("tags with", added)) if tags]
    return PARTS.join(told)


def _of_repository(stack: str, app: Declaration, there: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    listed = there.get(app.repository.partition("/")[2].lower())
    if listed is None:
        renamed = next((one["name"] for one in there.values() if one["id"] == app.repository_id), None)
        drift: Drift = "changed" if renamed else "missing"
        told = f"it is called {renamed} now" if renamed else ""
        yield Finding(stack=stack, resource=REPOSITORY, name=app.repository, drift=drift, detail=told)
        return
    if listed["id"] != app.repository_id:
        told = f"it is number {listed['id']}, the app's was {app.repository_id}: another one has taken its name"
        yield Finding(stack=stack, resource=REPOSITORY, name=app.repository, drift="foreign", detail=told)
        return
    wanted = {**SETTINGS, "description": app.display_name, "archived": False}
    if app.belongings:
        wanted["visibility"] = app.belongings.visibility
    if differing := sorted(name for name, value in wanted.items() if name in listed and listed[name] != value):
        yield Finding(
            stack=stack, resource=REPOSITORY, name=app.repository, drift="changed", detail=", ".join(differing)
        )


def undeclared_scripts(
    apps: Mapping[str, Declaration], lists: Lists
) -> Iterator[tuple[tuple[str, str], Script | None]]:
    """The scripts that no app declares, each with what its name says."""
    declared = {(one.namespace, one.script) for app in apps.values() for one in app.places.values()}
    yield from ((key, parse_script(key[1])) for key in sorted(lists.scripts.keys() - declared))


def of_undeclared_script(
    place: Place, key: tuple[str, str], named: Script | None, listed: Mapping[str, Any]
) -> Iterator[Finding]:
    """One that no app declares, and no open pull request either."""
    tags = listed.get("tags") or []
    name, app_id = script_name(*key), named.app_id if named else ""
    if theirs := place.others(tags) or [tag for tag in owner(tags) if named and tag != f"app-{app_id}"]:
        told = f"it is tagged {', '.join(theirs)}"
        yield Finding(stack=place.stack, resource=SCRIPT, name=name, drift="foreign", detail=told)
    else:
        ours = named is not None and place.is_ours(tags, app_id)
        told = _why(named) if ours else f"{_why(named)}, and it has none of this platform's tags"
        yield Finding(stack=place.stack, resource=SCRIPT, name=name, drift="orphan", detail=told, ours=ours)


def _why(named: Script | None) -> str:
    if named is None:
        return "its name is none of the naming contract"
    if named.pull_request:
        return f"no pull request {named.pull_request} of app {named.app_id} is open"
    return f"no stack has app {named.app_id} there"


def is_young(at: str | None, settles: timedelta) -> bool:
    """Whether it was made so short a time ago that its stack may be about to be recorded. `at` is the service's own."""
    if not at:
        return False
    return datetime.now(UTC) - datetime.fromisoformat(at.replace("Z", "+00:00")).astimezone(UTC) < settles
