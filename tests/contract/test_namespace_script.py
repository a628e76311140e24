"""The dynamic provider of app stacks against the API: what it owns, what it adopts, what it leaves alone."""

from collections.abc import Callable, Iterator

import pytest
from contract_service import Service, upload
from pulumi.dynamic import ConfigureRequest
from pulumi.dynamic.config import Config

from app_stacks.cloudflare_api import CloudflareApi, CloudflareError
from app_stacks.namespace_script import BOOTSTRAP, NamespaceScriptProvider


@pytest.fixture
def base_url(cf: Service) -> str:
    return f"{str(cf.client.base_url).rstrip('/')}{cf.root}"


@pytest.fixture
def provider(cf: Service, base_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[NamespaceScriptProvider]:
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", cf.token)
    provider = NamespaceScriptProvider()
    provider.configure(ConfigureRequest(Config({"cloudflare:baseUrl": base_url}, "overskill-apps")))
    with provider._api:
        yield provider


@pytest.fixture
def props(cf: Service, namespace: str, name: str) -> dict:
    return {
        "account_id": cf.names["account"],
        "namespace": name,
        "script": "abc123",
        "tags": ["app-abc123", "environment-production"],
        "bindings": {"OVERSKILL_APP_NAME": "abc123"},
    }


@pytest.fixture
def script(namespace: str) -> str:
    return f"{namespace}/scripts/abc123"


@pytest.fixture
def code(cf: Service, script: str) -> Callable[[], str]:
    return lambda: cf.send("GET", f"{script}/content").text


DEPLOYED = "export default { fetch() { return new Response('deployed'); } };"


def deploy(cf: Service, script: str, *tags: str) -> None:
    """As a pipeline would: new code, and a binding of its own."""
    metadata = {"bindings": [{"type": "plain_text", "name": "DEPLOYED", "text": "1"}], "tags": list(tags)}
    assert cf.send("PUT", script, files=upload(metadata, index=DEPLOYED)).is_success


def test_create_uploads_the_bootstrap_page(provider, props, code):
    created = provider.create(props)
    assert created.id == f"{props['account_id']}/{props['namespace']}/abc123"
    assert created.outs == props
    assert BOOTSTRAP.read_text() in code()
    assert provider.read(created.id, props).outs == props


def test_create_adopts_its_own_script_and_keeps_the_deployed_code(cf, provider, props, script, code):
    deploy(cf, script, "app-abc123")
    provider.create(props)
    assert DEPLOYED in code()
    settings = cf.get(f"{script}/settings")["result"]
    assert sorted(settings["tags"]) == sorted(props["tags"])
    assert {b["name"] for b in settings["bindings"]} == {"DEPLOYED", "OVERSKILL_APP_NAME"}


def test_create_refuses_a_script_of_somebody_else(cf, provider, props, script, code):
    deploy(cf, script, "app-other")
    with pytest.raises(CloudflareError, match="belongs to somebody else"):
        provider.create(props)
    assert cf.get(f"{script}/settings")["result"]["tags"] == ["app-other"]


def test_update_changes_settings_and_never_the_code(cf, provider, props, script, code):
    provider.create(props)
    deploy(cf, script, *props["tags"])
    wanted = {**props, "bindings": {"OVERSKILL_APP_NAME": "A B C"}}
    assert provider.update("id", props, wanted).outs == wanted
    assert DEPLOYED in code()
    assert provider.read("id", wanted).outs == wanted


def test_a_deploy_is_no_drift(cf, provider, props, script):
    provider.create(props)
    metadata = {
        "tags": props["tags"],
        "bindings": [
            {"type": "plain_text", "name": "DEPLOYED", "text": "1"},
            {"type": "plain_text", "name": "OVERSKILL_APP_NAME", "text": "abc123"},
        ],
    }
    assert cf.send("PUT", script, files=upload(metadata, index=DEPLOYED)).is_success
    read = provider.read("id", props)
    assert read.outs == props
    assert not provider.diff("id", read.outs, props).changes


def test_a_changed_tag_is_drift(cf, provider, props, script):
    provider.create(props)
    assert cf.send("PUT", f"{script}/tags", json=["app-abc123"]).is_success
    read = provider.read("id", props)
    assert provider.diff("id", read.outs, props).changes


@pytest.mark.parametrize("key", ["account_id", "namespace", "script"])
def test_a_script_elsewhere_is_another_script(provider, props, key):
    assert provider.diff("id", props, {**props, key: "other"}).replaces == [key]


def test_read_tells_gone_by_404_alone(cf, provider, props, script):
    assert provider.read("id", props).id == ""
    provider.create(props)
    cf.send("DELETE", script)
    assert provider.read("id", props).id == ""
    cf_token, provider._api._http.headers["Authorization"] = cf.token, "Bearer wrong"
    with pytest.raises(CloudflareError) as refused:
        provider.read("id", props)
    assert refused.value.status in (401, 403)
    assert cf_token not in str(refused.value)


def test_update_of_a_script_that_is_gone_says_what_to_do(provider, props):
    with pytest.raises(CloudflareError, match="pulumi up --refresh"):
        provider.update("id", props, props)


def test_delete_is_done_when_there_is_nothing_left(provider, props):
    provider.create(props)
    provider.delete("id", props)
    provider.delete("id", props)
    assert provider.read("id", props).id == ""


def test_nobody_answers():
    with CloudflareApi("token", "http://127.0.0.1:9/client/v4") as api, pytest.raises(CloudflareError) as error:
        api.script_names("a", "b")
    assert "no answer from http://127.0.0.1:9" in str(error.value)
    assert error.value.status is None


def test_without_a_token_nothing_is_asked(monkeypatch):
    monkeypatch.delenv("CLOUDFLARE_API_TOKEN", raising=False)
    with pytest.raises(CloudflareError, match="CLOUDFLARE_API_TOKEN is not set"):
        NamespaceScriptProvider().configure(ConfigureRequest(Config({}, "overskill-apps")))


def test_script_names_go_through_all_pages(cf, base_url, namespace, name, monkeypatch):
    for script in ("a", "b", "c"):
        assert cf.send("PUT", f"{namespace}/scripts/{script}", files=upload({})).is_success
    monkeypatch.setattr("app_stacks.cloudflare_api.PAGE", 1)
    with CloudflareApi(cf.token, base_url) as api:
        assert api.script_names(cf.names["account"], name) == {"a", "b", "c"}
        assert api.script_names(cf.names["account"], "none") == set()
