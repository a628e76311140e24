"""Where the dispatch Worker sends a request: the naming contract, paths, customers' hosts, and hostile input."""

import json
import socket
import string
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from dispatch_harness import CONTRACT, SOURCE, AppStore, Platform, dispatching, echo, modules
from edge_harness import EMPTY, RunningEdge, bundle, serve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.names import parse_script

ROUTER = """
import { parseScript, route } from "routing.js";
const hosts = { domain: "overskill.com", pathHost: "overskill-dispatch.acme.workers.dev" };
export default {
  async fetch(request) {
    const { url, script } = await request.json();
    return Response.json((url ? route(url, hosts) : parseScript(script)) ?? null);
  },
};
"""
PLAIN = Platform()
SENT_ON = Platform(name="sent-on", domain="sent-on.localhost", settings={"redirectPaths": True})
ZONE, WORKERS_DEV = PLAIN.domain, PLAIN.path_host
SHOP = "shop.example.com"

Ask = Callable[[dict[str, str]], dict[str, Any]]


@pytest.fixture(scope="module")
def ask(workerd_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    router = bundle("router", ROUTER, *modules(SOURCE, "routing.js", "memory.js", "reserved.js"))
    account = replace(EMPTY, workers=(router,), workers_dev=frozenset({"router"}))
    with serve(workerd_binary, tmp_path_factory.mktemp("router"), account) as edge:
        yield lambda question: edge.get("router.overskill.workers.localhost", method="POST", json=question).json()


@pytest.mark.parametrize("case", CONTRACT["scripts"], ids=lambda case: case["script"])
def test_script(ask, case):
    expected = {"appId": case["appId"], "environment": case["environment"], "pullRequest": bool(case["pullRequest"])}
    assert ask({"script": case["script"]}) == expected


@pytest.mark.parametrize("name", [name for name in [*CONTRACT["notScripts"], *CONTRACT["reserved"]] if name])
def test_not_a_script(ask, name):
    assert ask({"script": name}) is None


@pytest.mark.parametrize("case", CONTRACT["routes"], ids=lambda case: case["url"])
def test_route(ask, case):
    url = urlsplit(case["url"])
    host = url.netloc.lower()
    if "unknown" in case:
        expected = {"kind": "unknown", "name": case["unknown"]}
    elif "customer" in case:
        expected = {"kind": "customer", "hostname": case["customer"], "host": host}
    elif case["script"] is None:
        expected = {"kind": "own", "path": url.path}
    else:
        script = parse_script(case["script"])
        expected = {
            "kind": "app",
            "host": host,
            "appId": script.app_id,
            "pullRequest": script.pull_request is not None,
            **{key: case[key] for key in ("script", "environment", "prefix")},
        }
    # The second answer is remembered, where the path has no part in it.
    assert [ask({"url": case["url"]}), ask({"url": case["url"]})] == [expected] * 2


@pytest.mark.parametrize(
    "url", ["https://", "https://a b/", "https://abc123.overskill.com:99999/", "abc123.overskill.com/"]
)
def test_no_address(ask, url):
    assert ask({"url": url}) == {"kind": "unreadable"}


def test_what_is_remembered_of_a_host_is_no_other_host_s(ask):
    """Whatever stands where a URL's host does, or seems to."""
    assert ask({"url": "https://abc123.overskill.com/"})["script"] == "abc123"
    odd = {
        "https:////other.overskill.com/": "other",
        "https://abc123.overskill.com@other.overskill.com/": "other",
        "https://abc123.overskill.com\\@other.overskill.com/": "abc123",
        "https://abc123.overskill.com?@other.overskill.com/": "abc123",
        "https://abc123.overskill.com": "abc123",
        "https://other.overskill.com:443/": "other",
        "http://other.overskill.com/": "other",
    }
    assert {url: ask({"url": url})["script"] for url in [*odd, *odd]} == odd


@pytest.fixture(scope="module")
def edge(workerd_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEdge]:
    directory = tmp_path_factory.mktemp("dispatch")
    store = AppStore(directory / "cloud.sqlite3", "apps")
    store.put(f"host:{SHOP}", {"script": "abc123"})
    store.put("host:odd.example.com", {"script": "www"})
    store.put("host:broken.example.com", b"{")
    scripts = {
        ("production", "abc123"): echo("abc123"),
        ("production", "other"): echo("other"),
        ("preview", "preview-abc123"): echo("preview-abc123"),
        ("preview", "preview-abc123-pr12"): echo("preview-abc123-pr12"),
    }
    customers = [SHOP, "odd.example.com", "broken.example.com", "nobody.example.com"]
    with dispatching(workerd_binary, directory, [PLAIN, SENT_ON], scripts, store=store, hostnames=customers) as running:
        yield running


@pytest.mark.parametrize(
    ("host", "path", "app"),
    [
        (f"abc123.{ZONE}", "/", "abc123"),
        (f"ABC123.{ZONE.upper()}.", "/", "abc123"),
        (f"preview-abc123.{ZONE}", "/", "preview-abc123"),
        (f"preview-abc123-pr12.{ZONE}", "/", "preview-abc123-pr12"),
        (f"abc123.{ZONE}", "/app/other/", "abc123"),
        (WORKERS_DEV, "/app/abc123/", "abc123"),
        (WORKERS_DEV, "/app/abc123/app/other/", "abc123"),
        (WORKERS_DEV, "/app/preview-abc123/", "preview-abc123"),
        (ZONE, "/app/other/", "other"),
        (SHOP, "/", "abc123"),
        (SHOP, "/app/other/", "abc123"),
    ],
)
def test_each_script_is_served_from_its_namespace(edge, host, path, app):
    assert edge.get(host, path).json()["app"] == app


@pytest.mark.parametrize(
    ("host", "path"),
    [
        (f"nobody.{ZONE}", "/"),
        (f"www.{ZONE}", "/"),
        (f"a.abc123.{ZONE}", "/"),
        (f"staging-abc123.{ZONE}", "/"),
        (f"preview-abc123-pr13.{ZONE}", "/"),
        (WORKERS_DEV, "/app/nobody/"),
        (WORKERS_DEV, "/app/ABC123/"),
        (WORKERS_DEV, "/app/%3Cb%3E/"),
        (WORKERS_DEV, "/elsewhere"),
        ("odd.example.com", "/"),
        ("broken.example.com", "/"),
        ("nobody.example.com", "/"),
    ],
)
def test_no_such_app(edge, host, path):
    answer = edge.get(host, path)
    assert (answer.status_code, answer.json()["code"]) == (404, "no-app")


PATHS = [
    "/",
    "/a%2Fb//c?d=e&f=%20",
    "/a//b///",
    "/%E2%82%AC/%zz/%",
    "/a;b=c/d,e/f@g:h?x=1?y=2&&z",
    "/?overskill-path=1",
    "/app/other/x",
    "/a+b?c+d=%2B",
    "/" + "x" * 8_000,
]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:40])
def test_an_app_sees_its_own_path_and_query_byte_for_byte(edge, path):
    assert target(edge, f"abc123.{ZONE}", path) == path
    assert target(edge, WORKERS_DEV, f"/app/abc123{path}") == path


def target(edge: RunningEdge, host: str, path: str) -> str:
    """What an app is asked for, that is sent `path` as it is: httpx would write it in another way."""
    status, _, body = raw(edge, host, path)
    assert status == 200, body
    return "/" + json.loads(body)["url"].split("/", 3)[3]


def test_dot_segments_mean_what_they_mean_in_a_browser(edge):
    assert target(edge, f"abc123.{ZONE}", "/a/../../../b/./%2e%2e/c") == "/c"
    assert target(edge, WORKERS_DEV, "/app/abc123/a/../b") == "/b"
    status, _, body = raw(edge, WORKERS_DEV, "/app/abc123/a/../../other/")
    assert (status, json.loads(body)["app"]) == (200, "other")
    assert target(edge, WORKERS_DEV, "/app/abc123/a%2f..%2f..%2fother/") == "/a%2f..%2f..%2fother/"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_methods_and_bodies_pass_through(edge, method):
    content = None if method in {"GET", "HEAD"} else "the body"
    for host, path in ((f"abc123.{ZONE}", "/"), (WORKERS_DEV, "/app/abc123/")):
        answer = edge.get(host, path, method=method, content=content)
        assert answer.status_code == 200
        if method != "HEAD":
            assert (answer.json()["method"], answer.json()["body"]) == (method, content or "")


@pytest.mark.parametrize("query", ["", "?c=d%20e&f", "?overskill-path=1"])
def test_the_path_url_without_its_slash_leads_on(edge, query):
    answer = edge.get(WORKERS_DEV, f"/app/abc123{query}", method="POST")
    assert answer.status_code == 308
    assert answer.headers["location"] == f"http://{WORKERS_DEV}:{edge.port}/app/abc123/{query}"


def test_a_path_url_may_lead_on_to_the_subdomain(edge):
    answer = edge.get(SENT_ON.path_host, "/app/abc123/a%2Fb//c?d=e%20f")
    assert answer.status_code == 302
    assert answer.headers["location"] == f"http://abc123.{SENT_ON.domain}:{edge.port}/a%2Fb//c?d=e%20f"


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("/app/abc123/?overskill-path=1", {}),
        ("/app/abc123/", {"method": "POST"}),
        ("/app/abc123/main.js", {"headers": {"sec-fetch-dest": "script"}}),
        ("/app/preview-abc123/", {}),
    ],
)
def test_what_stays_on_the_path_url(edge, path, options):
    assert edge.get(SENT_ON.path_host, path, **options).status_code == 200


LABELS = st.one_of(
    st.sampled_from(
        [
            "abc123",
            "other",
            "preview-abc123",
            "preview-abc123-pr12",
            "staging-abc123",
            "www",
            "",
            "-",
            "xn--a",
            "%2f",
            "*",
        ]
    ),
    st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=70),
)
HOSTS = st.one_of(
    st.builds("{}.{}".format, LABELS, st.just(ZONE)),
    st.builds("{}.{}.{}".format, LABELS, LABELS, st.just(ZONE)),
    st.sampled_from(
        [ZONE, WORKERS_DEV, f"{ZONE}.", WORKERS_DEV.upper(), "", ".", "..", "[::1]", "a@b", "1.2.3.4", "x" * 300]
    ),
    LABELS,
)
SEGMENTS = st.one_of(
    st.sampled_from(
        [
            "app",
            "abc123",
            "other",
            "preview-abc123",
            "..",
            ".",
            "",
            "%2f",
            "%2e%2e",
            "%2F..%2F",
            "%",
            "%00",
            "\\",
            "ä",
            "x" * 2_000,
            "app%2Fabc123",
            "?",
            "#",
        ]
    ),
    st.text(string.printable.strip(), max_size=20),
)
TARGETS = st.lists(SEGMENTS, max_size=7).map(lambda parts: "/" + "/".join(parts))


@settings(max_examples=1_000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(host=HOSTS, path=TARGETS)
def test_hostile_addresses_reach_no_wrong_app_and_break_nothing(edge, host, path):
    status, headers, body = raw(edge, host, path)
    assert status < 500 or headers.get("x-local-cloud-edge") in {"no-route", "no-proxied-record"}, (
        status,
        headers,
        body,
    )
    if b'"app"' in body:
        app = json.loads(body)["app"]
        hosted = host.lower().removesuffix(".") == f"{app}.{ZONE}"
        assert hosted or f"/app/{app}/" in path or "\\" in path or ".." in path or "%2e" in path.lower(), (host, path)


def raw(edge: RunningEdge, host: str, path: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of a GET that is sent exactly so."""
    with socket.create_connection(("127.0.0.1", edge.port), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        body = unchunked(body)
    return int(first.split()[1]), headers, body


def unchunked(body: bytes) -> bytes:
    size, _, rest = body.partition(b"\r\n")
    length = int(size, 16)
    return rest[:length] + unchunked(rest[length + 2 :]) if length else b""
