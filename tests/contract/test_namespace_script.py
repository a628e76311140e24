"""The dynamic provider of app stacks against the API: what it owns, what it adopts, what it leaves alone."""

import json

import pytest
from contract_service import upload
from pulumi.dynamic import ConfigureRequest
from pulumi.dynamic.config import Config
from script_life import DEPLOYED, api, bound, plain, secret
from test_cloudflare_assets import attached

from app_stacks.cloudflare_api import CloudflareApi
from app_stacks.cloudflare_error import CloudflareError
from app_stacks.namespace_script import BOOTSTRAP, NamespaceScriptProvider


def test_create_uploads_the_bootstrap_page_with_all_that_is_declared(life):
    created = life.provider.create(life.props)
    assert created.id == f"{life.props['account_id']}/{life.props['namespace']}/abc123"
    assert created.outs == life.props
    assert BOOTSTRAP.read_text() in life.code()
    settings = life.settings()
    assert settings["bindings"] == [plain("OVERSKILL_APP_NAME", "abc123")]
    assert (settings["tags"], settings["limits"]) == (life.props["tags"], {"cpu_ms": 50})
    assert (settings["compatibility_date"], settings["compatibility_flags"]) == ("2026-10-01", ["nodejs_compat"])
    assert settings["observability"] == {"enabled": True}
    assert life.provider.read(created.id, life.props).outs == life.props


def test_every_kind_of_binding_is_bound_and_read_back(cf, life, name, cleanup):
    account = "/accounts/{account}"
    kv = cf.post(f"{account}/storage/kv/namespaces", json={"title": name})["result"]["id"]
    cleanup(lambda: cf.send("DELETE", f"{account}/storage/kv/namespaces/{kv}"))
    d1 = cf.post(f"{account}/d1/database", json={"name": name})["result"]["uuid"]
    cleanup(lambda: cf.send("DELETE", f"{account}/d1/database/{d1}"))
    cf.post(f"{account}/r2/buckets", json={"name": name})
    cleanup(lambda: cf.send("DELETE", f"{account}/r2/buckets/{name}"))
    cf.put(f"{account}/workers/scripts/{name}", files=upload({}))
    cleanup(lambda: cf.send("DELETE", f"{account}/workers/scripts/{name}"))
    props = life.props | {
        "bindings": bound(
            plain("NAME", "n"),
            secret("KEY", "s"),
            {"type": "kv_namespace", "name": "CACHE", "namespace_id": kv},
            {"type": "d1", "name": "DB", "id": d1},
            {"type": "r2_bucket", "name": "FILES", "bucket_name": name},
            {"type": "service", "name": "AUTH", "service": name},
        )
    }
    life.provider.create(props)
    assert list(life.bindings()) == ["AUTH", "CACHE", "DB", "FILES", "KEY", "NAME"]
    assert life.provider.read("id", props).outs == props
    cleanup(lambda: cf.send("DELETE", life.path))


def test_create_takes_up_what_a_crash_before_the_state_was_written_has_left(life):
    life.provider.create(life.props)
    wanted = life.props | {"bindings": bound(plain("OVERSKILL_APP_NAME", "A B C"))}
    life.provider.create(wanted)
    assert life.bindings() == wanted["bindings"]
    assert BOOTSTRAP.read_text() in life.code()


def test_create_adopts_its_own_script_and_keeps_what_a_deploy_has_brought(life):
    life.deploy(plain("DEPLOYED", "1"), secret("KEY", "s"), tags=["app-abc123"], compatibility_date="2026-01-01")
    life.provider.create(life.props | {"bindings": bound(plain("OVERSKILL_APP_NAME", "A B C"))})
    assert DEPLOYED in life.code()
    settings = life.settings()
    assert settings["tags"] == life.props["tags"]
    assert settings["limits"] == {"cpu_ms": 50}
    assert settings["compatibility_date"] == "2026-01-01"
    assert list(life.bindings()) == ["DEPLOYED", "KEY", "OVERSKILL_APP_NAME"]
    assert life.bindings()["OVERSKILL_APP_NAME"]["text"] == "A B C"


@pytest.mark.parametrize("tags", [["app-other"], [], ["environment-production"], ["app-abc123", "app-other"]])
def test_create_refuses_a_script_of_somebody_else_and_changes_nothing(life, tags):
    life.deploy(tags=tags)
    before = life.settings()
    with pytest.raises(CloudflareError, match="belongs to somebody else; delete it there or choose another app id"):
        life.provider.create(life.props)
    assert life.settings() == before
    assert DEPLOYED in life.code()


def test_create_in_a_namespace_that_is_not_there_says_what_to_do(life):
    with pytest.raises(CloudflareError, match=r"PUT .*none/scripts/abc123: HTTP 404: .*bring the platform stack up"):
        life.provider.create(life.props | {"namespace": "none"})


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"tags": ["app-abc123", "plan-pro"]}, {"tags": ["app-abc123", "plan-pro"]}),
        ({"limits": {"cpu_ms": 200.0}}, {"limits": {"cpu_ms": 200}}),
        ({"limits": None}, {"limits": {}}),
        ({"observability": False}, {"observability": {"enabled": False}}),
    ],
    ids=json.dumps,
)
def test_update_changes_one_setting_and_never_the_code(life, change, shown):
    life.provider.create(life.props)
    life.deploy(plain("DEPLOYED", "1"), observability={"enabled": True})
    before, wanted = life.settings(), life.props | change
    assert life.provider.update("id", life.props, wanted).outs == wanted
    assert life.settings() == before | shown
    assert DEPLOYED in life.code()
    assert life.provider.read("id", wanted).outs == wanted


def test_update_replaces_the_declared_bindings_and_keeps_the_deployed_ones(life):
    olds = life.props | {"bindings": bound(plain("CHANGED", "1"), plain("REMOVED", "1"), secret("KEY", "old"))}
    life.provider.create(olds)
    life.props = olds
    life.deploy(plain("DEPLOYED", "1"), secret("THEIRS", "t"))
    news = olds | {"bindings": bound(plain("CHANGED", "2"), plain("ADDED", "1"), secret("KEY", "new"))}
    life.provider.update("id", olds, news)
    assert list(life.bindings()) == ["ADDED", "CHANGED", "DEPLOYED", "KEY", "THEIRS"]
    assert life.bindings()["CHANGED"]["text"] == "2"
    assert DEPLOYED in life.code()
    assert life.provider.read("id", news).outs == news


def test_the_text_of_a_secret_changes(local, life):
    olds = life.props | {"bindings": bound(secret("KEY", "old"))}
    life.provider.create(olds)
    news = olds | {"bindings": bound(secret("KEY", "new"))}
    assert life.provider.diff("id", olds, news).changes
    life.provider.update("id", olds, news)
    script = local.view.namespace_script(life.props["namespace"], "abc123")
    assert {"type": "secret_text", "name": "KEY", "text": "new"} in script.bindings


def test_the_assets_of_a_deploy_stay_with_their_binding(cf, life):
    life.provider.create(life.props)
    life.deploy({"type": "assets", "name": "ASSETS"}, assets={"jwt": attached(cf, life.path, {"/index.html": "hello"})})
    life.provider.update("id", life.props | {"bindings": {}}, life.props)
    assert life.bindings() == bound({"type": "assets", "name": "ASSETS"}, *life.props["bindings"].values())
    assert cf.get(life.path)["result"]["script"]["has_assets"]


def test_a_deploy_is_no_drift(life):
    life.provider.create(life.props)
    life.deploy(
        plain("DEPLOYED", "1"),
        tags=life.props["tags"][::-1],
        compatibility_date="2026-01-01",
        observability={"enabled": False},
    )
    read = life.provider.read("id", life.props)
    assert read.outs == life.props
    assert not life.provider.diff("id", read.outs, life.props).changes
    assert DEPLOYED in life.code()


@pytest.mark.parametrize(
    "behind_our_back",
    [
        {"tags": ["app-abc123"]},
        {"limits": {"cpu_ms": 10}},
        {"limits": {}},
        {"bindings": []},
        {"bindings": [plain("OVERSKILL_APP_NAME", "other")]},
        {"bindings": [secret("OVERSKILL_APP_NAME", "abc123")]},
    ],
    ids=json.dumps,
)
def test_what_is_owned_and_changed_by_others_is_drift_and_mended(life, behind_our_back):
    life.provider.create(life.props)
    life.deploy()
    life.patch(**behind_our_back)
    read = life.provider.read("id", life.props)
    drift = life.provider.diff("id", read.outs, life.props)
    assert (drift.changes, drift.replaces) == (True, [])
    life.provider.update("id", read.outs, life.props)
    assert life.provider.read("id", life.props).outs == life.props
    assert DEPLOYED in life.code()


def test_a_secret_that_is_gone_is_drift_and_mended(life):
    props = life.props | {"bindings": bound(secret("KEY", "s"))}
    life.provider.create(props)
    assert life.cf.send("DELETE", f"{life.path}/secrets/KEY").is_success
    read = life.provider.read("id", props)
    assert life.provider.diff("id", read.outs, props).changes
    life.provider.update("id", read.outs, props)
    assert list(life.bindings()) == ["KEY"]


def test_a_renamed_script_is_made_before_the_old_one_goes(life):
    life.provider.create(life.props)
    renamed = life.props | {"script": "def456", "tags": ["app-def456"]}
    diff = life.provider.diff("id", life.props, renamed)
    assert (diff.replaces, diff.delete_before_replace) == (["script"], False)
    life.provider.create(renamed)
    assert life.exists()
    life.provider.delete("id", life.props)
    assert not life.exists()
    scripts = life.cf.get(life.path.rpartition("/")[0])["result"]
    assert [script["id"] for script in scripts] == ["def456"]


OLD = {"tags": ["app-abc123", "environment-production"], "bindings": {"OVERSKILL_APP_NAME": "abc123"}}
"""What states have that are older than kinds of bindings: plain texts by name, and no more than these two."""


def test_an_old_state_is_read_updated_and_deleted(life):
    old = {name: life.props[name] for name in ("account_id", "namespace", "script")} | OLD
    life.deploy(limits=None)
    assert life.provider.read("id", old).outs == old
    life.patch(bindings=[plain("OVERSKILL_APP_NAME", "other")])
    assert life.provider.diff("id", life.provider.read("id", old).outs, old).changes
    diff = life.provider.diff("id", old, life.props)
    assert (diff.changes, diff.replaces) == (True, [])
    life.provider.update("id", life.provider.read("id", old).outs, life.props)
    assert life.provider.read("id", life.props).outs == life.props
    assert DEPLOYED in life.code()
    life.provider.delete("id", old)
    assert not life.exists()


def test_read_tells_gone_by_404_alone(cf, life):
    assert life.provider.read("id", life.props).id == ""
    life.provider.create(life.props)
    assert cf.send("DELETE", life.path).is_success
    assert life.provider.read("id", life.props).id == ""
    life.provider._api._http.headers["Authorization"] = "Bearer wrong"
    with pytest.raises(CloudflareError, match="check CLOUDFLARE_API_TOKEN") as refused:
        life.provider.read("id", life.props)
    assert refused.value.status == 401
    assert cf.token not in str(refused.value)


@pytest.mark.parametrize("change", [{"tags": ["app-abc123"]}, {"bindings": {}}])
def test_update_of_a_script_that_is_gone_says_what_to_do(life, change):
    with pytest.raises(CloudflareError, match=r"is gone from namespace .*pulumi up --refresh"):
        life.provider.update("id", life.props, life.props | change)


def test_delete_is_done_when_there_is_nothing_left(life):
    life.provider.create(life.props)
    life.provider.delete("id", life.props)
    life.provider.delete("id", life.props)
    assert life.provider.read("id", life.props).id == ""


def test_nobody_answers():
    with CloudflareApi("token", "http://127.0.0.1:9/client/v4") as cloudflare, pytest.raises(CloudflareError) as error:
        cloudflare.script_names("a", "b")
    assert "no answer from http://127.0.0.1:9" in str(error.value)
    assert error.value.status is None


def test_without_a_token_nothing_is_asked(monkeypatch):
    monkeypatch.delenv("CLOUDFLARE_API_TOKEN", raising=False)
    with pytest.raises(CloudflareError, match="CLOUDFLARE_API_TOKEN is not set"):
        NamespaceScriptProvider().configure(ConfigureRequest(Config({}, "overskill-apps")))


def test_script_names_go_through_all_pages(cf, namespace, name, monkeypatch):
    for script in ("a", "b", "c"):
        assert cf.send("PUT", f"{namespace}/scripts/{script}", files=upload({})).is_success
    monkeypatch.setattr("app_stacks.cloudflare_api.PAGE", 1)
    with api(cf) as cloudflare:
        assert cloudflare.script_names(cf.names["account"], name) == {"a", "b", "c"}
        assert cloudflare.script_names(cf.names["account"], "none") == set()
