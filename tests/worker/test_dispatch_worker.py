"""The dispatch Worker in the real runtime: the naming contract, and what it answers."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from edge_harness import EMPTY, JS, RunningEdge, bundle, replying, serve

from infra.dispatcher import OUTBOUND_PARAMETERS
from infra.names import parse_script
from local_cloud import kv
from local_cloud.edge.model import Bundle, Module, Record, Route
from local_cloud.store import Reader, Store

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "dispatch_worker" / "src"
OUTBOUND_SOURCE = ROOT / "outbound_worker" / "src"
CONTRACT = json.loads((ROOT / "contract" / "names.json").read_text())
ZONE = "overskill.localhost"
WORKERS_DEV = "dispatch.overskill.workers.localhost"
ROUTER = """
import { parseScript, route } from "routing.js";
export default {
  async fetch(request) {
    const { url, script } = await request.json();
    if (url) return Response.json(route(new URL(url), "overskill.com"));
    return Response.json(parseScript(script) ?? null);
  },
};
"""
ECHO = """
export default {
  fetch(request) {
    const { method, url, headers } = request;
    return Response.json({ method, url, prefix: headers.get("X-Forwarded-Prefix") });
  },
};
"""
FETCHER = """
export default {
  async fetch(request) {
    const target = new URL(request.url).searchParams.get("target");
    try {
      const answer = await fetch(target, { method: "POST", body: "x" });
      return new Response(await answer.text(), { status: answer.status, headers: answer.headers });
    } catch (error) {
      return new Response(error.message, { status: 555 });
    }
  },
};
"""
RECORDS = {
    "free-app": b'{"plan": "free", "services": ["127.0.0.1", "Mine.Example"]}',
    "pro-app": b'{"plan": "pro"}',
    "odd-app": b'{"plan": "platinum"}',
    "broken-record": b"{",
    "odd-services": b'{"services": "127.0.0.1"}',
}
"""What the app store holds, by app id."""

Ask = Callable[[dict[str, str]], dict[str, Any]]


def modules(source: Path, *names: str) -> tuple[Module, ...]:
    return tuple(Module(name=name, content_type=JS, body=(source / name).read_bytes()) for name in names)


def worker(name: str, source: Path, *bindings: dict[str, Any]) -> Bundle:
    """A Worker of every module in `source`."""
    main, *others = modules(source, "index.js", *(p.name for p in source.iterdir() if p.name != "index.js"))
    return bundle(name, main.body.decode(), *others, bindings=bindings)


def dispatch_worker() -> Bundle:
    """The Worker as `infra/` declares it, for a platform without the app environment `staging`."""
    outbound = {"worker": {"service": "outbound"}, "params": [{"name": name} for name in OUTBOUND_PARAMETERS]}
    namespaces = [
        {"type": "dispatch_namespace", "name": f"NAMESPACE_{name.upper()}", "namespace": name, "outbound": outbound}
        for name in ("preview", "production")
    ]
    plans = {"free": {"cpuMs": 50, "subRequests": 50}, "pro": {"cpuMs": 500, "subRequests": 1000}}
    return worker(
        "dispatch",
        SOURCE,
        {"type": "kv_namespace", "name": "APPS", "namespace_id": "apps"},
        {"type": "plain_text", "name": "DEFAULT_PLAN", "text": "free"},
        {"type": "plain_text", "name": "DOMAIN", "text": ZONE},
        {"type": "json", "name": "PLANS", "json": plans},
        {"type": "analytics_engine", "name": "USAGE", "dataset": "usage"},
        *namespaces,
    )


def outbound_worker() -> Bundle:
    """The Worker as `infra/` declares it: apps of plan `free` may call what they declare, those of `pro` anything."""
    egress = {"free": {"mode": "enforce", "allow": ["*.allowed.example"]}, "pro": {"mode": "observe", "allow": []}}
    return worker(
        "outbound",
        OUTBOUND_SOURCE,
        {"type": "plain_text", "name": "DEFAULT_PLAN", "text": "free"},
        {"type": "json", "name": "EGRESS", "json": egress},
        {"type": "analytics_engine", "name": "USAGE", "dataset": "usage"},
    )


@pytest.fixture(scope="module")
def ask(workerd_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    router = bundle("router", ROUTER, *modules(SOURCE, "routing.js", "reserved.js"))
    account = replace(EMPTY, workers=(router,), workers_dev=frozenset({"router"}))
    with serve(workerd_binary, tmp_path_factory.mktemp("router"), account) as edge:
        yield lambda question: edge.get("router.overskill.workers.localhost", method="POST", json=question).json()


@pytest.mark.parametrize("case", CONTRACT["scripts"], ids=lambda case: case["script"])
def test_script(ask, case):
    assert ask({"script": case["script"]}) == {"appId": case["appId"], "environment": case["environment"]}


@pytest.mark.parametrize("name", [name for name in [*CONTRACT["notScripts"], *CONTRACT["reserved"]] if name])
def test_not_a_script(ask, name):
    assert ask({"script": name}) is None


@pytest.mark.parametrize("case", CONTRACT["routes"], ids=lambda case: case["url"])
def test_route(ask, case):
    if "unknown" in case:
        expected = {"kind": "unknown", "name": case["unknown"]}
    elif case["script"] is None:
        expected = {"kind": "none"}
    else:
        script = parse_script(case["script"])
        expected = {
            "kind": "app",
            "appId": script.app_id,
            **{key: case[key] for key in ("script", "environment", "prefix")},
        }
    assert ask({"url": case["url"]}) == expected


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the platform knows of its apps, and where data points go."""
    path = tmp_path_factory.mktemp("store") / "cloud.sqlite3"
    written = Store(path)
    with written.transaction():
        written.put("kv_namespaces", "", "apps", {"id": "apps", "title": "apps"})
        for app, record in RECORDS.items():
            kv.write(written, "apps", f"app:{app}", kv.Value(body=record, options={}, metadata=None))
    written.close()
    return path


@pytest.fixture(scope="module")
def edge(workerd_binary: Path, tmp_path_factory: pytest.TempPathFactory, store: Path) -> Iterator[RunningEdge]:
    account = replace(
        EMPTY,
        workers=(dispatch_worker(), outbound_worker()),
        workers_dev=frozenset({"dispatch"}),
        zones=(ZONE,),
        records=(Record(zone=ZONE, name=f"*.{ZONE}", type="CNAME", content="dispatch", proxied=True),),
        routes=(Route(zone=ZONE, pattern=f"*.{ZONE}/*", script="dispatch"),),
    )
    scripts = {
        ("production", "abc123"): bundle("abc123", ECHO),
        ("preview", "preview-abc123"): replying("preview-abc123", "the preview"),
        ("production", "broken"): bundle("broken", "export default { fetch() { throw new Error('a secret'); } };"),
        **{("production", app): bundle(app, FETCHER) for app in (*RECORDS, "unrecorded")},
    }
    directory = tmp_path_factory.mktemp("dispatch")
    with serve(workerd_binary, directory, account, scripts, store=store, internet=("public", "local")) as running:
        yield running


def test_each_environment_is_served_from_its_namespace(edge):
    assert edge.get(f"preview-abc123.{ZONE}").text == "the preview"
    assert edge.get(f"abc123.{ZONE}").json()["method"] == "GET"
    assert edge.get(WORKERS_DEV, "/app/preview-abc123/").text == "the preview"


def test_an_app_sees_its_own_path_and_query(edge):
    seen = edge.get(f"abc123.{ZONE}", "/a%2Fb//c?d=e&f=%20", method="PUT").json()
    assert seen == {"method": "PUT", "url": f"http://abc123.{ZONE}:{edge.port}/a%2Fb//c?d=e&f=%20", "prefix": None}


def test_the_path_url_takes_its_prefix_off(edge):
    seen = edge.get(WORKERS_DEV, "/app/abc123/a%2Fb?c=d").json()
    assert seen == {"method": "GET", "url": f"http://{WORKERS_DEV}:{edge.port}/a%2Fb?c=d", "prefix": "/app/abc123"}


def test_the_prefix_is_never_taken_from_outside(edge):
    assert edge.get(f"abc123.{ZONE}", headers={"X-Forwarded-Prefix": "/evil"}).json()["prefix"] is None


def test_the_path_url_without_its_slash_leads_on(edge):
    answer = edge.get(WORKERS_DEV, "/app/abc123?c=d")
    assert (answer.status_code, answer.headers["location"]) == (
        308,
        f"http://{WORKERS_DEV}:{edge.port}/app/abc123/?c=d",
    )


@pytest.mark.parametrize(
    ("host", "path"),
    [(f"nobody.{ZONE}", "/"), (f"www.{ZONE}", "/"), (WORKERS_DEV, "/app/nobody/"), (WORKERS_DEV, "/app/%3Cb%3E/")],
)
def test_no_such_app(edge, host, path):
    answer = edge.get(host, path)
    assert answer.status_code == 404
    assert "No app at this address" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "<b>" not in answer.text


def test_no_app_named(edge):
    answer = edge.get(WORKERS_DEV)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "OverSkill apps live here" in answer.text


def test_an_apps_own_failure_is_not_the_platforms(edge):
    answer = edge.get(f"broken.{ZONE}")
    assert answer.status_code == 500
    assert "This app failed" in answer.text
    assert "a secret" not in answer.text


def test_an_app_environment_that_the_platform_has_not_has_no_apps(edge):
    answer = edge.get(f"staging-abc123.{ZONE}")
    assert answer.status_code == 404
    assert "No app at this address" in answer.text


@pytest.fixture
def service() -> Iterator[str]:
    """The address of a server on this machine, one that apps may declare as their service."""

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(201)
            self.end_headers()
            self.wfile.write(b"got " + body)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def fetched(edge: RunningEdge, app: str, target: str) -> httpx.Response:
    """What an app gets that fetches `target`."""
    return edge.get(f"{app}.{ZONE}", params={"target": target})


def points(store: Path, app: str) -> list[list[str]]:
    """The blobs of an app's data points, the newest last."""
    reader = Reader(store)
    try:
        return [point["blobs"] for point in reader.values("data_points", "usage") if point["index1"] == app]
    finally:
        reader.close()


def recorded(store: Path, app: str, count: int) -> list[str]:
    """The newest data point of an app, once there are `count`: a Worker does not wait for them."""
    deadline = time.monotonic() + 5
    while len(found := points(store, app)) < count:
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found[-1]


def test_an_app_reaches_the_services_that_it_declares(edge, store, service):
    answer = fetched(edge, "free-app", service)
    assert (answer.status_code, answer.text) == (201, "got x")
    assert points(store, "free-app") == []


def test_an_enforced_plan_denies_every_other_host_and_records_it(edge, store):
    answer = fetched(edge, "free-app", "https://elsewhere.example/path")
    assert (answer.status_code, answer.headers["x-overskill-egress"]) == (403, "denied")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "elsewhere.example" in answer.json()["detail"]
    expected = ["free-app", "production", "egress-denied", "POST", "elsewhere.example", "free"]
    assert recorded(store, "free-app", 1) == expected


@pytest.mark.parametrize("host", ["api.allowed.example", "mine.example"])
def test_what_the_plan_or_the_app_allows_goes_to_the_network(edge, host):
    """There is no such host: that the network says so shows that the call got there."""
    assert fetched(edge, "free-app", f"https://{host}/").status_code == 555


@pytest.mark.parametrize("host", ["allowed.example", "notallowed.example", "x.mine.example", "evil.example.", "[::1]"])
def test_hosts_that_only_look_alike_are_denied(edge, host):
    assert fetched(edge, "free-app", f"https://{host}/").status_code == 403


def test_an_observed_plan_lets_pass_and_records_it(edge, store, service):
    assert fetched(edge, "pro-app", service).status_code == 201
    assert recorded(store, "pro-app", 1) == ["pro-app", "production", "egress-observed", "POST", "127.0.0.1", "pro"]


@pytest.mark.parametrize("app", ["odd-app", "broken-record", "odd-services", "unrecorded"])
def test_an_app_without_a_good_record_is_on_the_default_plan(edge, service, app):
    assert fetched(edge, app, service).status_code == 403
