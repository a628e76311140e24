"""What the stand-in plugins refuse, and with which words."""

import httpx
import pytest
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import provider_pb2
from standin_plugin import Context, Failed, Plugin, reasons
from standin_services import cloudflare_plugin, github_plugin

from local_cloud.providers import cloudflare, github
from local_cloud.providers.client import Client, Pace, Retries, require_loopback
from local_cloud.providers.errors import ApiError, ProviderError
from local_cloud.providers.resource import Package
from local_cloud.providers.server import Provider
from local_cloud.providers.wire import UNKNOWN, Secret, decode, encode

RECORD = "cloudflare:index/dnsRecord:DnsRecord"
VERSION = "cloudflare:index/workerVersion:WorkerVersion"
WEBHOOK = "github:index/repositoryWebhook:RepositoryWebhook"
NOT_CARRIED_OUT = (
    "The stand-in provider does not carry this property out; use the official plugin (--providers official)"
)


@pytest.fixture
def plugin() -> Plugin:
    return cloudflare_plugin()[0]


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("CLOUDFLARE_API_TOKEN", "CLOUDFLARE_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("TOKEN", "OWNER", "ORGANIZATION", "BASE_URL"):
        monkeypatch.delenv(f"GITHUB_{name}", raising=False)
    return monkeypatch


def configure(package: Package, **configuration: str) -> None:
    Provider(package).Configure(provider_pb2.ConfigureRequest(args=encode(configuration)), Context())


def client(
    base_url: str, answer: httpx.Response, retries: int = 0, pace: Pace | None = None
) -> tuple[Client, list[str]]:
    asked: list[str] = []

    def transport(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url}")
        return answer

    return Client(
        base_url=base_url,
        token="t0ken",
        retries=Retries(statuses=frozenset({503}), attempts=retries, delay=0),
        explain=lambda body: body["message"],
        pace=pace or Pace(one_at_a_time=False),
        http=httpx.Client(transport=httpx.MockTransport(transport)),
    ), asked


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.7.6:8787", "[::1]:8787", "localhost:8787"])
def test_loopback_addresses_are_talked_to(host):
    require_loopback(f"http://{host}/client/v4")


@pytest.mark.parametrize(
    "url",
    [
        *(
            "https://api.cloudflare.com/client/v4",
            "http://10.0.0.1/",
            "http://0.0.0.0/",
            "http://[::]/",
            "http://128.0.0.1",
        ),
        *("http://127.0.0.1.example.com/", "http://localhost.example.com/", "http://user@example.com#127.0.0.1"),
        *("http://example.com/?127.0.0.1", "http://127.0.0.1@example.com/", "http://[::1", "127.0.0.1", ""),
    ],
)
def test_nothing_else_is(url):
    with pytest.raises(ProviderError, match=r"talks to loopback only .*official plugin \(--providers official\)"):
        require_loopback(url)


@pytest.mark.parametrize(
    ("package", "configuration"),
    [
        (cloudflare.PACKAGE, {"apiToken": "t0ken"}),
        (cloudflare.PACKAGE, {"apiToken": "t0ken", "baseUrl": "http://192.0.2.1/client/v4"}),
        (github.PACKAGE, {"token": "t0ken", "owner": "o"}),
        (github.PACKAGE, {"token": "t0ken", "owner": "o", "baseUrl": "http://192.0.2.1/api/v3/"}),
    ],
)
def test_a_plugin_is_not_configured_for_anything_else(package, configuration):
    with pytest.raises(Failed, match="talks to loopback only") as failed:
        configure(package, **configuration)
    assert "t0ken" not in str(failed.value)


def test_the_address_is_checked_again_at_each_call():
    local, asked = client("http://127.0.0.1:1", httpx.Response(200, json={}))
    with pytest.raises(ProviderError, match="talks to loopback only"):
        local.call("GET", "@example.com/zones")
    assert asked == []


def test_redirects_and_the_environments_proxies_are_not_followed(environment):
    environment.setenv("HTTP_PROXY", "http://192.0.2.1:1")
    local = Client(
        base_url="http://127.0.0.1:1",
        token="t",
        retries=Retries(statuses=frozenset(), attempts=0, delay=0),
        explain=str,
    )
    assert not local.http.follow_redirects
    assert not local.http.trust_env
    redirecting, asked = client("http://127.0.0.1:1", httpx.Response(302, headers={"location": "http://192.0.2.1/"}))
    with pytest.raises(ApiError, match="302"):
        redirecting.call("GET", "/zones")
    assert asked == ["GET http://127.0.0.1:1/zones"]


def test_missing_credentials_name_the_remedy():
    with pytest.raises(Failed, match="missing credentials: set CLOUDFLARE_API_TOKEN, or `pulumi config set --secret"):
        configure(cloudflare.PACKAGE, baseUrl="http://127.0.0.1:1/client/v4")
    with pytest.raises(Failed, match="missing credentials: set GITHUB_TOKEN, or `pulumi config set --secret"):
        configure(github.PACKAGE, baseUrl="http://127.0.0.1:1/api/v3/", owner="o")


def test_a_missing_owner_names_the_remedy():
    with pytest.raises(
        Failed, match=r"no owner is configured, .*: set GITHUB_OWNER, or `pulumi config set github:owner`"
    ):
        configure(github.PACKAGE, baseUrl="http://127.0.0.1:1/api/v3/", token="t0ken", retryDelayMs="0")


def test_githubs_base_url_has_a_path_of_its_own():
    with pytest.raises(Failed, match=r"must end in /api/v3/"):
        configure(github.PACKAGE, baseUrl="http://127.0.0.1:1/", token="t0ken", owner="o")


def test_a_configuration_has_known_keys_of_the_right_type():
    news = Struct()
    news.update(
        {"version": "6.15.0", "owner": "o", "writeDelayMs": "0", "readDelayMs": "soon", "oner": "o", "insecure": "1"}
    )
    response = Provider(github.PACKAGE).CheckConfig(provider_pb2.CheckRequest(news=news), Context())
    assert {failure.reason for failure in response.failures} == {
        "github:readDelayMs: Expected an integer, got a string",
        "github:oner: Invalid or unknown key",
        f"github:insecure: {NOT_CARRIED_OUT}",
    }


def test_a_configurations_token_is_secret():
    request = provider_pb2.CheckRequest(news=encode({"token": "t0ken"}))
    assert decode(Provider(github.PACKAGE).CheckConfig(request, Context()).inputs) == {"token": Secret("t0ken")}


@pytest.mark.parametrize(
    "type_", ["cloudflare:index/workersScript:WorkersScript", "github:index/repository:Repository"]
)
def test_another_type_is_refused_by_name(plugin, type_):
    response = plugin.check(type_, {"a": 1})
    refusal = (
        f"{type_}: the local cloud's stand-in for the cloudflare provider doesn't have it; "
        "it needs the official plugin (--providers official)"
    )
    assert [failure.reason for failure in response.failures] == [refusal]
    for call in (plugin.create, plugin.read):
        with pytest.raises(Failed, match="doesn't have it"):
            call(type_, {} if call == plugin.create else "id")
    assert plugin.calls == []


def test_another_function_is_refused_by_name(plugin):
    with pytest.raises(Failed, match="cloudflare:index/getZones:getZones: the local cloud's stand-in"):
        plugin.invoke("cloudflare:index/getZones:getZones", {})


def test_everything_that_is_wrong_is_said_at_once(plugin):
    inputs = {
        "name": 1,
        "type": "BAD",
        "ttl": "one",
        "proxied": 1,
        "foo": "bar",
        "meta": "{}",
        "includeShadowMetadata": True,
        "settings": {"ipv4Only": "yes", "ipv5Only": True},
        "tags": ["a", 1],
        "data": [],
    }
    response = plugin.check(RECORD, inputs)
    found = reasons(response)
    assert found.pop("type").startswith("Expected one of A, AAAA, CNAME, MX, ")
    assert found == {
        "zoneId": "Missing required property 'zoneId'",
        "name": "Expected a string, got a number",
        "ttl": "Expected a number, got a string",
        "proxied": "Expected a boolean, got a number",
        "foo": "Invalid or unknown key",
        "meta": "Invalid or unknown key",
        "includeShadowMetadata": NOT_CARRIED_OUT,
        "settings.ipv4Only": "Expected a boolean, got a string",
        "settings.ipv5Only": "Invalid or unknown key",
        "tags[1]": "Expected a string, got a number",
        "data": "Expected an object, got a list",
    }
    assert {failure.property for failure in response.failures} == {*inputs, "zoneId"}


def test_nested_properties_are_required_and_read_only_too(plugin):
    found = reasons(
        plugin.check(
            VERSION,
            {
                "accountId": "a",
                "workerId": "w",
                "bindings": [{"type": "plain_text"}],
                "modules": [{"name": "n", "contentType": "t", "contentBase64": "YQ==", "contentSha256": "x"}],
                "assets": {},
            },
        )
    )
    assert found == {
        "bindings[0].name": "Missing required property 'bindings[0].name'",
        "modules[0].contentSha256": "Cannot set a value for this read-only property",
        "assets": NOT_CARRIED_OUT,
    }


def test_what_is_unknown_yet_is_not_judged(plugin):
    inputs = {"zoneId": UNKNOWN, "name": UNKNOWN, "type": UNKNOWN, "ttl": UNKNOWN, "settings": Secret(UNKNOWN)}
    response = plugin.check(RECORD, inputs)
    assert not response.failures
    assert decode(response.inputs) == inputs
    assert not plugin.check(VERSION, {"accountId": "a", "workerId": UNKNOWN, "modules": UNKNOWN}).failures


def test_no_failure_shows_a_secret():
    plugin, _ = github_plugin()
    configuration = {"url": 5, "secret": "hush"}
    response = plugin.check(WEBHOOK, {"repository": "r", "events": [], "configuration": configuration})
    assert [(failure.property, failure.reason) for failure in response.failures] == [
        ("", "Expected a string, got a number. Examine values at 'name.configuration.url'.")
    ]


def test_no_error_shows_the_token(plugin):
    refusing, _ = client("http://127.0.0.1:1", httpx.Response(401, json={"message": "Bad credentials"}))
    with pytest.raises(ApiError, match=r"GET http://127.0.0.1:1/x: 401 Unauthorized: Bad credentials") as failed:
        refusing.call("GET", "/x")
    assert "t0ken" not in str(failed.value) + repr(refusing)


def test_an_error_without_a_message_shows_the_answer():
    refusing, _ = client("http://127.0.0.1:1", httpx.Response(500, text="<html>oops</html>"))
    with pytest.raises(ApiError, match="500 Internal Server Error: <html>oops</html>"):
        refusing.call("GET", "/x")


def test_a_service_that_is_out_of_order_is_asked_again():
    failing, asked = client("http://127.0.0.1:1", httpx.Response(503, json={"message": "later"}), retries=2)
    with pytest.raises(ApiError, match="503"):
        failing.call("GET", "/x")
    assert len(asked) == 3


def test_nothing_that_answers_is_said_with_the_remedy():
    configured = Client(
        base_url="http://127.0.0.1:1",
        token="t",
        retries=Retries(statuses=frozenset(), attempts=0, delay=0),
        explain=str,
    )
    with pytest.raises(
        ApiError, match=r"GET http://127.0.0.1:1/x: nothing answers there; start the local cloud \(./dev up\)"
    ):
        configured.call("GET", "/x")


def test_writes_are_apart_from_what_follows(monkeypatch):
    waits: list[float] = []
    monkeypatch.setattr("local_cloud.providers.client.time.sleep", waits.append)
    monkeypatch.setattr("local_cloud.providers.client.time.monotonic", lambda: 100.0)
    paced, _ = client("http://127.0.0.1:1", httpx.Response(200, json={}), pace=Pace(after_write=1.0, after_read=0.25))
    for method in ("GET", "POST", "PATCH", "GET"):
        paced.call(method, "/x")
    assert waits == [0.0, 0.25, 1.0, 1.0]
