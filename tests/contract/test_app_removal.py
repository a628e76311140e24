"""`overskill app destroy` against the local cloud: an app is suspended at once, and removed after its time of grace."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from checkout import ACCOUNT, cloud_of_checkout
from typer.testing import CliRunner

from control_plane.app_store import AppState, AppStore
from overskill import app_command, apps, cli, suspend_command
from overskill.errors import CommandError
from overskill.removal import Removal, Removals

STORES = f"/client/v4/accounts/{ACCOUNT}/storage/kv/namespaces"
STATE = "state:shop"
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def store(local, tmp_path, monkeypatch):
    """The path of the app store; the checkout knows the app `shop`."""
    with cloud_of_checkout(tmp_path, monkeypatch, app_command, suspend_command) as cloud:
        made = cloud.client.post(STORES, json={"title": "overskill-development-apps"}).json()["result"]
        stacks = tmp_path / "app_stacks" / "stacks"
        stacks.mkdir(parents=True)
        (stacks / "Pulumi.local.shop.yaml").write_text("config: {}")
        yield cloud.client, f"{STORES}/{made['id']}"


@pytest.fixture(autouse=True)
def removed(monkeypatch):
    """What the engine was told to remove; whether with the repository."""
    calls = []
    monkeypatch.setattr(
        apps, "_remove", lambda _, app_id, *, delete_repository: calls.append((app_id, delete_repository))
    )
    return calls


def run(*words):
    result = CliRunner().invoke(cli.app, ["app", *words])
    assert result.exit_code == 0, result.exception
    return result.output


def keys(store):
    client, path = store
    return {key["name"]: key.get("metadata") for key in client.get(f"{path}/keys").json()["result"]}


def let_pass(store, seconds):
    """Move what the store says of `shop` so far into the past."""
    client, path = store
    value, due = client.get(f"{path}/values/{STATE}").json(), datetime.fromisoformat(keys(store)[STATE]["removal"])
    at = due - timedelta(seconds=seconds)
    value["reason"] = f"to be removed after {at:%Y-%m-%d %H:%M} UTC"
    parts = {"value": (None, json.dumps(value)), "metadata": (None, json.dumps({"removal": at.isoformat()}))}
    client.put(f"{path}/values/{STATE}", files=parts).raise_for_status()


def test_an_app_is_suspended_first_and_removed_after_its_grace(store, removed):
    client, path = store
    told = run("destroy", "shop", "--grace", "2")
    due = datetime.fromisoformat(keys(store)[STATE]["removal"])
    assert abs((due - datetime.now(UTC)).total_seconds() - 2 * 86400) < 60
    assert told.splitlines() == [
        f"shop is suspended, and is removed by the same command after {due:%Y-%m-%d %H:%M} UTC.",
        "At once: ./dev app destroy shop --now. To keep it: ./dev app resume shop",
    ]
    value = client.get(f"{path}/values/{STATE}").json()
    assert (value["state"], value["reason"]) == ("suspended", f"to be removed after {due:%Y-%m-%d %H:%M} UTC")
    let_pass(store, 86400)
    assert "is removed by the same command after" in run("destroy", "shop", "--grace", "9")
    assert removed == []
    let_pass(store, 86400)
    assert run("destroy", "shop") == ""
    assert (removed, keys(store)) == ([("shop", False)], {})


@pytest.mark.parametrize("suspended", [False, True])
def test_now_is_without_grace(store, removed, suspended):
    if suspended:
        run("destroy", "shop")
    run("destroy", "shop", "--now", "--delete-repository")
    assert (removed, keys(store)) == ([("shop", True)], {})


def test_an_app_that_is_resumed_is_kept(store, removed):
    run("destroy", "shop")
    assert run("resume", "shop").startswith("shop was suspended (to be removed after 20")
    assert keys(store) == {}
    assert "is suspended" in run("destroy", "shop")
    assert removed == []


def test_an_app_that_was_resumed_while_a_run_was_under_way_is_not_removed(store):
    client, _ = store
    run("destroy", "shop")
    let_pass(store, 8 * 86400)
    token, url = client.headers["Authorization"].split()[1], f"{str(client.base_url).rstrip('/')}/client/v4"
    with AppStore(token, url, ACCOUNT, "overskill-development-apps") as states:
        removals = Removals(states, Removal(timedelta(days=7)))
        removals.require_due("shop")
        run("resume", "shop")
        states.set_state("shop2", AppState(state="legal", reason="", since=NOW), removal=NOW)
        assert removals.step("shop") == "destroy", "as the run has read it"
        with pytest.raises(CommandError, match="shop was resumed, and is not removed"):
            removals.require_due("shop")
    assert keys(store).keys() == {"state:shop2"}


def test_a_state_of_the_operators_outlasts_the_app(store, removed):
    client, path = store
    state = {"state": "legal", "reason": "court", "since": "2026-11-24T12:00:00Z"}
    client.put(f"{path}/values/{STATE}", content=json.dumps(state)).raise_for_status()
    run("destroy", "shop")
    assert client.get(f"{path}/values/{STATE}").json() == state
    run("destroy", "shop", "--now")
    assert (keys(store), client.get(f"{path}/values/{STATE}").json()) == ({STATE: None}, state)
    assert removed == [("shop", False)]
