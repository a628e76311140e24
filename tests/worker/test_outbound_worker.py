"""The outbound Worker in the real runtime, behind the dispatch Worker: which hosts an app of a plan may call."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from dispatch_harness import AppStore, Platform, dispatching
from edge_harness import RunningEdge, bundle

PLATFORM = Platform()
ZONE = PLATFORM.domain
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
    "free-app": {"plan": "free", "services": ["127.0.0.1", "Mine.Example"]},
    "pro-app": {"plan": "pro"},
    "odd-app": {"plan": "platinum"},
    "broken-record": b"{",
    "odd-services": {"services": "127.0.0.1"},
}
"""What the app store holds, by app id."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> AppStore:
    store = AppStore(tmp_path_factory.mktemp("store") / "cloud.sqlite3", "apps")
    for app, record in RECORDS.items():
        store.put(f"app:{app}", record)
    return store


@pytest.fixture(scope="module")
def edge(workerd_binary: Path, tmp_path_factory: pytest.TempPathFactory, store: AppStore) -> Iterator[RunningEdge]:
    scripts = {("production", app): bundle(app, FETCHER) for app in (*RECORDS, "unrecorded")}
    internet = ("public", "local")
    directory = tmp_path_factory.mktemp("edge")
    with dispatching(workerd_binary, directory, [PLATFORM], scripts, store=store, internet=internet) as running:
        yield running


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


def recorded(store: AppStore, app: str) -> list[str]:
    return store.points("egress", app, 1)[-1]["blobs"]


def test_an_app_reaches_the_services_that_it_declares(edge, store, service):
    answer = fetched(edge, "free-app", service)
    assert (answer.status_code, answer.text) == (201, "got x")
    assert store.points("egress", "free-app") == []


def test_an_enforced_plan_denies_every_other_host_and_records_it(edge, store):
    answer = fetched(edge, "free-app", "https://elsewhere.example/path")
    assert (answer.status_code, answer.headers["x-overskill-egress"]) == (403, "denied")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "elsewhere.example" in answer.json()["detail"]
    expected = ["free-app", "production", "egress-denied", "POST", "elsewhere.example", "free"]
    assert recorded(store, "free-app") == expected


@pytest.mark.parametrize("host", ["api.allowed.example", "mine.example"])
def test_what_the_plan_or_the_app_allows_goes_to_the_network(edge, host):
    """There is no such host: that the network says so shows that the call got there."""
    assert fetched(edge, "free-app", f"https://{host}/").status_code == 555


@pytest.mark.parametrize("host", ["allowed.example", "notallowed.example", "x.mine.example", "evil.example.", "[::1]"])
def test_hosts_that_only_look_alike_are_denied(edge, host):
    assert fetched(edge, "free-app", f"https://{host}/").status_code == 403


def test_an_observed_plan_lets_pass_and_records_it(edge, store, service):
    assert fetched(edge, "pro-app", service).status_code == 201
    assert recorded(store, "pro-app") == ["pro-app", "production", "egress-observed", "POST", "127.0.0.1", "pro"]


@pytest.mark.parametrize("app", ["odd-app", "broken-record", "odd-services", "unrecorded"])
def test_an_app_without_a_good_record_is_on_the_default_plan(edge, service, app):
    assert fetched(edge, app, service).status_code == 403
