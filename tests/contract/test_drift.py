"""What a sweep of the apps finds on the local cloud: everything that was planted, and nothing else."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from contract_service import LocalCloud
from drift_world import HOSTNAME, NAMESPACES, ORGANIZATION, WEBHOOK, World, made

from overskill.drift.findings import Change, Finding

SHOP = f"{ORGANIZATION}/shop"
Plant = Callable[[World], Any]
OURS = ["app-gone", "environment-production", "platform-development"]


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    folder = tmp_path_factory.mktemp("drift")
    with LocalCloud.run(folder, organizations=("overskill", ORGANIZATION)) as cloud:
        world = made(cloud, folder)
        world.app("shop", whole=True)
        world.app("blog")
        assert world.sweep(deep=1, engine=True).findings == []
        assert sorted(world.asked) == ["blog", "shop"]
        world.snapshot("clean")
        yield world


def github(method: str, path: str, **options: Any) -> Plant:
    return lambda world: world.call(method, f"repos/{SHOP}{path}", **options)


def first(world: World, path: str) -> int:
    found = world.call("GET", f"repos/{SHOP}/{path}")
    return found[0]["id"]


def deleted_first(path: str) -> Plant:
    return lambda world: world.call("DELETE", f"repos/{SHOP}/{path}/{first(world, path)}")


def deleted_data(binding: str, path: str, key: str) -> Plant:
    def plant(world: World) -> str:
        (name,) = [one[key] for one in world.apps["shop"].places["production"].bindings if one["type"] == binding]
        world.call("DELETE", f"{world.account}/{path}/{name}")
        return name

    return plant


def replaced(world: World) -> None:
    world.call("DELETE", f"repos/{SHOP}")
    world.repository("shop")


def closed_pull_request(world: World) -> None:
    number = world.pull_request("shop", "change")
    assert number == 1
    world.call("PATCH", f"repos/{SHOP}/pulls/1", json={"state": "closed"})
    world.deploy("preview", "preview-shop-pr1", ["app-shop", "platform-development"])


def by_hand(world: World, name: str = "gone") -> None:
    world.repository(name)
    variable = {"name": "OVERSKILL_APP", "value": json.dumps({"namespaces": NAMESPACES})}
    world.call("POST", f"repos/{ORGANIZATION}/{name}/actions/variables", json=variable)


def hook(url: str) -> Plant:
    return github("POST", "/hooks", json={"config": {"url": url, "content_type": "json"}, "events": ["push"]})


HOOK_SECRET, ALLOWED = "OVERSKILL_WEBHOOK_SECRET", "OVERSKILL_APP"
P, S = NAMESPACES["production"], NAMESPACES["staging"]
SCRIPT, VARIABLE, SECRET = "NamespaceScript", "ActionsVariable", "ActionsSecret"
PLANTED: dict[str, tuple[Plant, str, str, str]] = {
    "script deleted": (lambda w: w.call("DELETE", w.script("production", "shop")), "missing", SCRIPT, f"{P}/shop"),
    "tag taken": (
        lambda w: w.call("DELETE", w.script("production", "shop", "/tags/plan-free")),
        "changed",
        SCRIPT,
        f"{P}/shop",
    ),
    "tag added": (
        lambda w: w.call("PUT", w.script("staging", "staging-shop", "/tags/x")),
        "changed",
        SCRIPT,
        f"{S}/staging-shop",
    ),
    "binding changed": (
        lambda w: w.settings(
            "production",
            "shop",
            bindings=[
                {"type": "plain_text", "name": "OVERSKILL_APP_NAME", "text": "Other"},
                *({"type": "inherit", "name": name} for name in ("KV", "DB", "BUCKET", "KEY")),
            ],
        ),
        "changed",
        SCRIPT,
        f"{P}/shop",
    ),
    "bindings deleted": (lambda w: w.settings("production", "shop", bindings=[]), "changed", SCRIPT, f"{P}/shop"),
    "secret of a script deleted": (
        lambda w: w.call("DELETE", w.script("production", "shop", "/secrets/KEY")),
        "changed",
        SCRIPT,
        f"{P}/shop",
    ),
    "limits": (lambda w: w.settings("production", "shop", limits={"cpu_ms": 5}), "changed", SCRIPT, f"{P}/shop"),
    "script of no app": (lambda w: w.deploy("production", "gone", OURS), "orphan", SCRIPT, f"{P}/gone"),
    "script without tags": (lambda w: w.deploy("production", "gone", []), "orphan", SCRIPT, f"{P}/gone"),
    "script of no name": (lambda w: w.deploy("production", "a_b", []), "orphan", SCRIPT, f"{P}/a_b"),
    "script in an environment that the app has not": (
        lambda w: w.deploy("staging", "shop", ["app-shop", "platform-development"]),
        "orphan",
        SCRIPT,
        f"{S}/shop",
    ),
    "preview of a closed pull request": (
        closed_pull_request,
        "orphan",
        SCRIPT,
        f"{NAMESPACES['preview']}/preview-shop-pr1",
    ),
    "script of another platform": (
        lambda w: w.deploy("production", "gone", ["app-gone", "platform-production"]),
        "foreign",
        SCRIPT,
        f"{P}/gone",
    ),
    "script taken by another app": (
        lambda w: w.deploy("production", "shop", ["app-blog"]),
        "foreign",
        SCRIPT,
        f"{P}/shop",
    ),
    "repository deleted": (github("DELETE", ""), "missing", "Repository", SHOP),
    "description": (github("PATCH", "", json={"description": "x"}), "changed", "Repository", SHOP),
    "visibility": (github("PATCH", "", json={"visibility": "public"}), "changed", "Repository", SHOP),
    "topics": (github("PUT", "/topics", json={"names": []}), "changed", "Repository", SHOP),
    "wiki": (github("PATCH", "", json={"has_wiki": True}), "changed", "Repository", SHOP),
    "what no list tells": (github("PATCH", "", json={"delete_branch_on_merge": False}), "changed", "Repository", SHOP),
    "archived": (github("PATCH", "", json={"archived": True}), "changed", "Repository", SHOP),
    "repository replaced": (replaced, "foreign", "Repository", SHOP),
    "repository of no app": (by_hand, "orphan", "Repository", f"{ORGANIZATION}/gone"),
    "variable deleted": (
        github("DELETE", "/actions/variables/OVERSKILL_APP"),
        "missing",
        VARIABLE,
        f"{SHOP} OVERSKILL_APP",
    ),
    "variable changed": (
        github("PATCH", "/actions/variables/OVERSKILL_APP", json={"value": "x"}),
        "changed",
        VARIABLE,
        f"{SHOP} OVERSKILL_APP",
    ),
    "variable added": (
        github("POST", "/actions/variables", json={"name": "X", "value": "x"}),
        "orphan",
        VARIABLE,
        f"{SHOP} X",
    ),
    "secret deleted": (
        github("DELETE", "/actions/secrets/OVERSKILL_WEBHOOK_SECRET"),
        "missing",
        SECRET,
        f"{SHOP} OVERSKILL_WEBHOOK_SECRET",
    ),
    "secret added": (lambda w: w.secret("shop", "X"), "orphan", SECRET, f"{SHOP} X"),
    "webhook deleted": (deleted_first("hooks"), "missing", "RepositoryWebhook", f"{SHOP} {WEBHOOK}"),
    "webhook changed": (
        lambda w: w.call("PATCH", f"repos/{SHOP}/hooks/{first(w, 'hooks')}", json={"active": False}),
        "changed",
        "RepositoryWebhook",
        f"{SHOP} {WEBHOOK}",
    ),
    "webhook added": (hook("https://x.example/"), "orphan", "RepositoryWebhook", f"{SHOP} https://x.example/"),
    "environment deleted": (
        github("DELETE", "/environments/production"),
        "missing",
        "RepositoryEnvironment",
        f"{SHOP} production",
    ),
    "environment changed": (
        github("PUT", "/environments/production", json={"wait_timer": 5}),
        "changed",
        "RepositoryEnvironment",
        f"{SHOP} production",
    ),
    "environment added": (github("PUT", "/environments/x", json={}), "orphan", "RepositoryEnvironment", f"{SHOP} x"),
    "ruleset deleted": (deleted_first("rulesets"), "missing", "RepositoryRuleset", f"{SHOP} default branch"),
    "ruleset changed": (
        lambda w: w.call("PUT", f"repos/{SHOP}/rulesets/{first(w, 'rulesets')}", json={"enforcement": "disabled"}),
        "changed",
        "RepositoryRuleset",
        f"{SHOP} default branch",
    ),
    "ruleset added": (
        github("POST", "/rulesets", json={"name": "x", "enforcement": "active", "rules": []}),
        "orphan",
        "RepositoryRuleset",
        f"{SHOP} x",
    ),
    "record deleted": (
        lambda w: w.call("DELETE", f"{w.account}/storage/kv/namespaces/{w.platform.app_store}/values/app:shop"),
        "missing",
        "WorkersKv",
        "app:shop",
    ),
    "host deleted": (
        lambda w: [
            w.call("DELETE", f"zones/{w.platform.zone}/custom_hostnames/{one['id']}")
            for one in w.call("GET", f"zones/{w.platform.zone}/custom_hostnames")["result"]
        ],
        "missing",
        "CustomHostname",
        HOSTNAME,
    ),
    "host added": (
        lambda w: w.call(
            "POST",
            f"zones/{w.platform.zone}/custom_hostnames",
            json={"hostname": "x-customers.com", "ssl": {"method": "http", "type": "dv"}},
        ),
        "orphan",
        "CustomHostname",
        "x-customers.com",
    ),
}


ALONE = ("repository deleted", "repository replaced", "archived", "script deleted", "script taken by another app")
"""What takes others with it."""


def test_what_is_planted_together_is_found_at_once(world):
    """One of each thing; the next test plants them one by one."""
    expected = {}
    try:
        for what, (plant, drift, resource, name) in PLANTED.items():
            if what not in ALONE and (resource, name) not in expected:
                plant(world)
                expected[resource, name] = drift
        found = world.sweep(deep=1).findings
        assert {(one.resource, one.name): one.drift for one in found} == expected
        assert len(found) == len(expected) > 20
    finally:
        world.snapshot("clean", "/restore")
    assert world.sweep(deep=1).findings == []


@pytest.mark.slow
@pytest.mark.parametrize("what", PLANTED)
def test_each_is_found_named_and_told_apart(world, what):
    plant, drift, resource, name = PLANTED[what]
    plant(world)
    try:
        found = world.sweep(deep=1).findings
        assert [(one.drift, one.resource, one.name) for one in found] == [(drift, resource, name)], found
        again = world.sweep().findings
        assert again == found, "what was found is found again, whoever's turn it is"
    finally:
        world.snapshot("clean", "/restore")
    assert world.sweep(deep=1).findings == []


@pytest.mark.parametrize(
    ("binding", "path", "key", "resource"),
    [
        ("kv_namespace", "storage/kv/namespaces", "namespace_id", "WorkersKvNamespace"),
        ("d1", "d1/database", "id", "D1Database"),
        ("r2_bucket", "r2/buckets", "bucket_name", "R2Bucket"),
    ],
)
def test_data_that_is_gone_is_found(world, binding, path, key, resource):
    name = deleted_data(binding, path, key)(world)
    try:
        found = world.sweep().findings
        assert {(one.drift, one.resource, one.name) for one in found} == {("missing", resource, name)}
    finally:
        world.snapshot("clean", "/restore")


@pytest.mark.parametrize("sweeps", [10, pytest.param(100, marks=pytest.mark.slow)])
def test_deploys_and_what_passes_are_never_drift(world, sweeps):
    """Between two sweeps there is a deploy and a push, and a pull request is open all the time."""
    number = world.pull_request("shop", "open")
    shop = world.apps["shop"]
    try:
        world.deploy("preview", f"preview-shop-pr{number}", ["app-shop", "platform-development"])
        for turn in range(sweeps):
            place = shop.places["production"]
            own = [{"type": "plain_text", "name": "DEPLOY", "text": str(turn)}]
            kept = [one | ({"text": "x"} if one["type"] == "secret_text" else {}) for one in place.bindings]
            world.deploy("production", "shop", place.tags, [*kept, *own])
            body = {"message": "x", "content": "eA==", "branch": "main"}
            world.call("PUT", f"repos/{SHOP}/contents/{turn}.txt", json=body)
            found = world.sweep(deep=0.5 if turn % 10 == 0 else 0)
            assert found.findings == [], turn
            assert found.changed <= 1
    finally:
        world.snapshot("clean", "/restore")


def test_the_engine_has_the_last_word(world):
    """What the stack's own run has changed is no drift; what the engine finds is told in its words."""
    world.secret("shop", "OVERSKILL_WEBHOOK_SECRET")
    world.call("PATCH", f"repos/{SHOP}/actions/variables/OVERSKILL_APP", json={"value": "x"})
    try:
        assert world.sweep(deep=1, engine=True).findings == []
        assert world.asked == ["shop"]
        assert world.sweep(deep=1, engine=True).findings == []
        assert world.asked == [], "what the engine has found clean is what is compared with from now on"
        world.call("PATCH", f"repos/{SHOP}/actions/variables/OVERSKILL_APP", json={"value": "y"})
        inputs = {"namespace": P, "script": "shop"}
        script = Change(op="update", type="a:b:NamespaceScript", id="x", inputs=inputs, properties=("tags",))
        world.changes = {"shop": [script]}
        (found,) = world.sweep(deep=1, engine=True).findings
        expected = Finding(
            stack="local.shop", resource="NamespaceScript", name=f"{P}/shop", drift="changed", detail="tags"
        )
        assert found == expected
    finally:
        world.changes = {}
        world.snapshot("clean", "/restore")
        world.sweep(deep=1, engine=True)


def test_a_token_that_may_not_see_all_is_no_drift(world):
    """The engine would take what GitHub leaves out for switched off; so it is asked of nothing."""
    world.call("PATCH", f"repos/{SHOP}", json={"description": "x"})
    try:
        found = world.sweep(deep=1, engine=True, token=world.reading_token())
        assert [(one.drift, one.detail) for one in found.findings] == [("changed", "description")]
        assert [told.partition(":")[0] for told in sorted(found.problems)] == ["local.blog", "local.shop"]
        assert all("Contents: write" in told for told in found.problems)
        assert world.asked == []
    finally:
        world.snapshot("clean", "/restore")
    assert world.sweep(engine=True).findings == []


def test_what_is_under_way_is_left_alone(world):
    """An app that is being made has no record yet; one that is being removed may have lost anything."""
    try:
        world.deploy("production", "gone", OURS)
        by_hand(world)
        assert world.sweep(settles=timedelta(minutes=15)).findings == [], "made a moment ago"
        assert world.sweep(busy={"gone"}).findings == []
        world.call("DELETE", world.script("staging", "staging-shop"))
        found = world.sweep(busy={"shop", "gone"})
        assert (found.findings, found.skipped) == ([], ["gone", "shop"])
    finally:
        world.snapshot("clean", "/restore")


def test_a_renamed_repository_is_no_orphan(world):
    """Its app knows it by the name that it had."""
    before = f"{ORGANIZATION}/old"
    renamed = {"shop": world.apps["shop"].model_copy(update={"repository": before})}
    (found,) = world.sweep(apps={**world.apps, **renamed}).findings
    assert (found.drift, found.resource, found.name) == ("changed", "Repository", before)
    assert found.detail == "it is called shop now"
    assert world.sweep().findings == []


def test_the_app_that_a_deploy_tries_the_platform_with_is_no_orphan(world):
    """A deploy elsewhere made it: nothing here knows its stack."""
    smoke = world.platform.smoke
    try:
        by_hand(world, smoke)
        world.deploy("production", smoke, [f"app-{smoke}", "platform-development"])
        world.deploy("staging", f"staging-{smoke}", [f"app-{smoke}", "platform-development"])
        assert world.sweep().findings == []
    finally:
        world.snapshot("clean", "/restore")


def test_repositories_of_others_are_counted_and_looked_at_once(world):
    try:
        world.call("POST", f"orgs/{ORGANIZATION}/repos", json={"name": "website"})
        world.repository("theirs")
        found = world.sweep()
        assert (found.findings, found.others) == ([], 2)
        before = world.made.github
        assert world.sweep().others == 2
        assert world.made.github == before - 1
    finally:
        world.snapshot("clean", "/restore")
