"""`overskill app suspend`, `resume`, `list` and `link` against the local cloud."""

import json
import re
import time
from datetime import UTC, datetime

import pytest
from checkout import ACCOUNT, add_script, cloud_of_checkout
from typer.testing import CliRunner

from app_stacks.cloudflare_error import CloudflareError
from control_plane import app_store
from infra.access import access_key, access_token
from overskill import app_command, cli, link_command, suspend_command
from overskill.errors import CommandError
from overskill.project import Project
from overskill.session import Session

STORES = f"/client/v4/accounts/{ACCOUNT}/storage/kv/namespaces"
TITLE = "overskill-development-apps"
ROOT_SECRET = "planted-webhook-secret"


@pytest.fixture
def bare(local, tmp_path, monkeypatch):
    """The local cloud of a checkout without an app store; it knows the app `shop`, in production and preview."""
    monkeypatch.setenv("OVERSKILL_WEBHOOK_SECRET", ROOT_SECRET)
    with cloud_of_checkout(tmp_path, monkeypatch, app_command, link_command, suspend_command) as made:
        for environment, script in (("production", "shop"), ("preview", "preview-shop"), ("staging", "staging-x")):
            add_script(made, environment, script)
        stacks = tmp_path / "app_stacks" / "stacks"
        stacks.mkdir(parents=True)
        for app in ("shop", "gone"):
            (stacks / f"Pulumi.local.{app}.yaml").write_text("config: {}")
        yield made


@pytest.fixture
def cloud(bare, monkeypatch):
    """It has an app store, the last on the second page."""
    monkeypatch.setattr(app_store, "NAMESPACES", 2)
    for title in ("a", "b", TITLE):
        bare.client.post(STORES, json={"title": title}).raise_for_status()
    return bare


@pytest.fixture
def values(cloud):
    """The path of the app store's values."""
    (store,) = [one for one in cloud.client.get(STORES).json()["result"] if one["title"] == TITLE]
    return f"{STORES}/{store['id']}/values"


def run(*words):
    result = CliRunner().invoke(cli.app, ["app", *words])
    assert result.exit_code == 0, result.exception
    return result.output


def refused(*words):
    error = CliRunner().invoke(cli.app, ["app", *words]).exception
    assert isinstance(error, CommandError | CloudflareError), error
    return str(error)


def test_an_app_is_suspended_and_resumed(cloud, values):
    told = run("suspend", "shop", "--reason", " unpaid ")
    stored = cloud.client.get(f"{values}/state:shop").json()
    assert (stored["state"], stored["reason"], set(stored)) == ("suspended", "unpaid", {"state", "reason", "since"})
    assert abs(datetime.fromisoformat(stored["since"]) - datetime.now(UTC)).total_seconds() < 60
    assert stored["since"].endswith("Z")
    assert told.splitlines() == [
        "shop is suspended (unpaid). Visitors get 403, This app is suspended, within 5 s at the latest; the reason is "
        "not shown.",
        "Back: ./dev app resume shop",
    ]
    assert run("resume", "shop").startswith("shop was suspended (unpaid) since 20")
    assert cloud.client.get(f"{values}/state:shop").status_code == 404


def test_another_state_replaces_the_first(cloud, values):
    run("suspend", "shop", "--reason", "unpaid")
    told = run("suspend", "shop", "--reason", "court", "--state", "legal", "--until", "2999-01-01T02:00+02:00")
    assert re.match(
        r"shop was suspended \(unpaid\) since .* UTC; that is replaced.\nshop is legal \(court\). .*451", told
    )
    stored = cloud.client.get(f"{values}/state:shop").json()
    assert (stored["state"], stored["reason"], stored["until"]) == ("legal", "court", "2999-01-01T00:00:00Z")


def test_there_may_be_nothing_to_resume(cloud):
    run("suspend", "shop", "--reason", "unpaid")
    assert run("resume", "shp") == (
        "shp is not suspended: there is nothing to resume. Of suspended apps there are: shop\n"
    )


def test_an_app_that_is_only_in_another_environment_is_there(cloud):
    assert run("suspend", "x", "--reason", "unpaid").startswith("x is suspended (unpaid).")


def test_the_list_tells_of_states(cloud, values):
    add_script(cloud, "staging", "staging-shop")
    cloud.client.put(f"{values}/state:x", content=b"not asked for").raise_for_status()
    run("suspend", "shop", "--reason", "[b]unpaid[/b]")
    shop = next(line for line in run("list").splitlines() if line.startswith("shop"))
    assert re.split(r"  +", shop)[1] == "suspended ([b]unpaid[/b])"
    run("resume", "shop")
    shop = next(line for line in run("list").splitlines() if line.startswith("shop"))
    assert re.split(r"  +", shop)[1] == "complete"


def test_of_many_states_every_key_is_listed_and_only_those_asked_for_are_read(cloud, values, tmp_path, monkeypatch):
    record = json.dumps({"state": "maintenance", "reason": "r", "since": "2026-11-24T12:00:00Z"})
    pairs = [{"key": f"state:a{number}", "value": record} for number in range(1001)]
    cloud.client.put(values.replace("/values", "/bulk"), json=pairs).raise_for_status()
    session, asked = Session(Project(tmp_path)), []
    with app_store.AppStore.of(session.config, session.credentials) as store:
        send = store._send
        monkeypatch.setattr(store, "_send", lambda *words, **options: asked.append(words) or send(*words, **options))
        assert len(store.suspended()) == 1001
        asked.clear()
        assert {app: str(state) for app, state in store.states(["a7", "shop"]).items()} == {"a7": "maintenance (r)"}
    assert [path.rpartition("/")[2] for _, path in asked] == ["keys", "keys", "state%3Aa7"]


def test_states_are_read_set_and_cleared_many_at_once(cloud, values, tmp_path):
    session = Session(Project(tmp_path))
    state = app_store.AppState(state="over-quota", reason="ü", since=datetime(2026, 11, 24, tzinfo=UTC))
    cloud.client.put(f"{values}/state:x", content=b"asleep").raise_for_status()
    with app_store.AppStore.of(session.config, session.credentials) as store:
        store.set_states({"shop": state, "cafe": state})
        store.set_states({})
        texts = store.texts(["shop", "x", "gone"])
        assert texts.keys() == {"shop", "x"}
        assert store.parsed("shop", texts["shop"]) == store.state("shop") == state
        with pytest.raises(CloudflareError, match=f"state:x in KV namespace {TITLE} is no state: delete it"):
            store.parsed("x", texts["x"])
        store.clear_states(["shop", "cafe", "gone"])
        assert store.suspended() == {"x"}


def test_what_kv_leaves_out_of_many_is_told(monkeypatch):
    answer = {"successful_key_count": 1, "unsuccessful_keys": ["state:cafe"]}
    with app_store.AppStore("token", "http://127.0.0.1:9", ACCOUNT, TITLE, "cafe") as store:
        monkeypatch.setattr(store, "_call", lambda *_, **__: answer)
        with pytest.raises(CloudflareError, match="left out state:cafe"):
            store.clear_states(["shop", "cafe"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["suspend", "shp", "--reason", "x"],
            "there is no app 'shp' in preview, staging, production; there are: shop, x",
        ),
        (["suspend", "shop", "--reason", " "], "--reason is empty"),
        (
            ["suspend", "shop", "--reason", "x", "--until", "soon"],
            "--until 'soon' is no time: write it like 2026-12-24",
        ),
        (["suspend", "shop", "--reason", "x", "--until", "2020-01-01"], "--until '2020-01-01' is over: it is 20"),
        (["link", "shop", "--environment", "staging"], "there is no app 'shop' in staging; there are: x"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(cloud, values, words, told):
    assert refused(*words).startswith(told)
    assert cloud.client.get(values.replace("/values", "/keys")).json()["result"] == []


def test_what_is_no_state_is_told(cloud, values):
    cloud.client.put(f"{values}/state:shop", content=b'{"state": "asleep"}').raise_for_status()
    assert refused("resume", "shop").startswith(f"state:shop in KV namespace {TITLE} is no state: delete it")


def test_a_platform_without_an_app_store(bare):
    assert refused("suspend", "shop", "--reason", "x").startswith(f"there is no KV namespace {TITLE}: bring the")
    assert run("resume", "shop").startswith("shop is not suspended")
    assert "shop" in run("list")


def test_an_open_preview_has_plain_addresses(cloud):
    first, *addresses = run("link", "shop").splitlines()
    assert first == "Anybody may open preview-shop: overskill:previews.protect does not name preview"
    assert all(address.endswith(("8788/", "/")) and "?" not in address for address in addresses)


def test_a_link_to_a_protected_preview_is_signed(cloud, tmp_path):
    file = tmp_path / "Pulumi.local.yaml"
    file.write_text(file.read_text() + "  overskill:previews: {protect: [preview]}\n")
    first, subdomain, path = run("link", "shop", "--hours", "1").splitlines()
    assert first.startswith("Whoever has one of these may open preview-shop until 20")
    (token,) = {address.partition("/?overskill-access=")[2] for address in (subdomain, path)}
    expires = int(token.partition(".")[0])
    assert abs(expires - time.time() - 3600) < 60
    assert token == access_token(access_key(ROOT_SECRET), "preview-shop", expires)
    assert ROOT_SECRET not in first + subdomain + path


def test_the_dispatch_workers_key_is_a_secret_of_its_version(cloud):
    """As the platform program uploads it: what the API shows has its name, and not its text."""
    workers = f"/client/v4/accounts/{ACCOUNT}/workers/workers"
    worker = cloud.client.post(workers, json={"name": "dispatcher"}).raise_for_status().json()["result"]["id"]
    key = access_key(ROOT_SECRET)
    version = {
        "compatibility_date": "2026-10-01",
        "main_module": "index.js",
        "modules": [
            {"name": "index.js", "content_type": "application/javascript+module", "content_base64": "ZXhwb3J0"}
        ],
        "bindings": [{"type": "secret_text", "name": "ACCESS_KEY", "text": key}],
    }
    made = cloud.client.post(f"{workers}/{worker}/versions", json=version).raise_for_status()
    read = cloud.client.get(f"{workers}/{worker}/versions/{made.json()['result']['id']}?include=modules")
    assert made.json()["result"]["bindings"] == [{"type": "secret_text", "name": "ACCESS_KEY"}]
    assert key not in made.text + read.text
    assert key.encode() not in b"".join(file.read_bytes() for file in cloud.settings.state.rglob("*") if file.is_file())
