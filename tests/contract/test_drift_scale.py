"""A sweep over 10,000 apps: how many calls it makes, how long it takes, and what that is for 50,000."""

import math
import time
from functools import partial
from pathlib import Path

import pytest
from contract_service import LocalCloud
from drift_world import NAMESPACES, ORGANIZATION, World, made

from infra.names import Script
from overskill.drift.estimate import PER_UNIT, Fleet
from overskill.fleet.limits import PUBLISHED

APPS, CHANGED, TURN = 10_000, 50, 0.01
AT_ONCE = 200
"""Apps written in one call of the local cloud."""

PARTS = ("actions_keys", "actions_secrets", "actions_variables", "webhooks", "environments", "rulesets")


def multiply(world: World, count: int) -> None:
    """As many apps as there shall be, written beside the API as copies of one that it has made."""
    shop, store = world.app("shop"), world.cloud.cloud.store
    namespaces = {name: store.get("namespaces", "", name)["namespace_id"] for name in NAMESPACES.values()}
    repository = store.get("repositories", ORGANIZATION, "shop")
    scripts = {
        one.namespace: store.get("namespace_scripts", namespaces[one.namespace], one.script)
        for one in shop.places.values()
    }
    parts = {part: list(store.items(part, str(repository["id"]))) for part in PARTS}

    def write(numbers: range) -> None:
        for number in numbers:
            app_id, id_ = f"app{number:05}", 1_000_000 + number
            places = {}
            for environment, place in shop.places.items():
                name = Script(app_id=app_id, environment=environment).name
                tags = [f"app-{app_id}", *place.tags[1:]]
                places[environment] = place.model_copy(update={"script": name, "tags": tags})
                script = {**scripts[place.namespace], "tags": tags}
                store.put("namespace_scripts", namespaces[place.namespace], name, script)
            store.put(
                "repositories", ORGANIZATION, app_id, {**repository, "id": id_, "name": app_id, "description": app_id}
            )
            for part, rows in parts.items():
                for key, row in rows:
                    store.put(part, str(id_), key, row)
            changes = {"app_id": app_id, "display_name": app_id, "repository": f"{ORGANIZATION}/{app_id}"}
            world.apps[app_id] = shop.model_copy(update={**changes, "repository_id": id_, "places": places})

    for begin in range(0, count, AT_ONCE):
        world.cloud.write(partial(write, range(begin, min(begin + AT_ONCE, count))))


def timed_sweep(world: World, deep: float, *, engine: bool) -> tuple[object, float]:
    began = time.monotonic()
    report = world.sweep(deep, engine=engine)
    return report, time.monotonic() - began


@pytest.mark.slow
def test_calls_follow_the_pages_and_what_changed(tmp_path: Path):
    with LocalCloud.run(tmp_path, organizations=("overskill", ORGANIZATION)) as cloud:
        world = made(cloud, tmp_path)
        multiply(world, APPS - 1)
        first, seconds = timed_sweep(world, 0, engine=False)
        assert (first.findings, first.apps, first.scripts, first.repositories) == ([], APPS, 3 * APPS, APPS)
        fleet = Fleet(apps=APPS, environments=3, deep=0)
        pages = fleet.lists.cloudflare + fleet.lists.github
        calls = world.made.cloudflare + world.made.github
        assert calls <= pages + 2  # the customers' hosts, and a page of repositories that is empty
        print(f"lists of {APPS} apps: {calls} calls, {seconds:.1f} s")
        for number in range(CHANGED):
            if number % 2:
                world.call("DELETE", world.script("production", f"app{number:05}", "/tags/plan-free"))
            else:
                world.call("PATCH", f"repos/{ORGANIZATION}/app{number:05}", json={"description": "x"})
        found, seconds = timed_sweep(world, 0, engine=False)
        assert (len(found.findings), found.changed) == (CHANGED, CHANGED)
        calls = world.made.cloudflare + world.made.github
        assert calls <= PER_UNIT * (3 * APPS / 1000 + APPS / 100 + CHANGED)
        print(f"{CHANGED} changed: {calls} calls, {seconds:.1f} s")
        turn, seconds = timed_sweep(world, TURN, engine=True)
        calls = world.made.cloudflare + world.made.github
        assert calls <= Fleet(apps=APPS, environments=3, deep=TURN, changed=CHANGED).bound
        print(f"{math.ceil(APPS * TURN)} in turn: {calls} calls, {turn.examined} asked of the engine, {seconds:.1f} s")
    fifty = Fleet(apps=50_000, environments=3, deep=0, changed=5 * CHANGED)
    assert all(getattr(fifty.calls, limit.kind) <= limit.calls for limit in PUBLISHED)
