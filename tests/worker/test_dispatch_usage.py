"""What the dispatch Worker tells Analytics Engine: a data point for each request."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from dispatch_harness import AppStore, Platform, dispatching, echo
from edge_harness import RunningEdge, bundle
from websocket import Echo

PLAIN = Platform()
MUTE = Platform(name="mute", domain="mute.localhost", bindings=[{"name": "USAGE", "type": "plain_text", "text": ""}])
ZONE, WORKERS_DEV = PLAIN.domain, PLAIN.path_host
CHAT = """
export default {
  fetch() {
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    return new Response(null, { status: 101, webSocket: client });
  },
};
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> AppStore:
    return AppStore(tmp_path_factory.mktemp("store") / "cloud.sqlite3", "apps")


@pytest.fixture(scope="module")
def edge(workerd_binary: Path, tmp_path_factory: pytest.TempPathFactory, store: AppStore) -> Iterator[RunningEdge]:
    scripts = {
        ("production", "abc123"): echo("abc123"),
        ("preview", "preview-abc123"): echo("preview-abc123"),
        ("production", "chat"): bundle("chat", CHAT),
        ("production", "throwing"): bundle("throwing", "export default { fetch() { throw new Error(); } };"),
    }
    directory = tmp_path_factory.mktemp("dispatch")
    with dispatching(workerd_binary, directory, [PLAIN, MUTE], scripts, store=store) as running:
        yield running


def test_each_request_is_a_data_point(edge, store):
    edge.get(f"preview-abc123.{ZONE}", method="POST", content="12345")
    (point,) = store.points(PLAIN.name, "abc123", 1)[-1:]
    assert point["blobs"] == ["preview-abc123", "preview", "served", "write", "XX"]
    one, wall_ms, request_bytes, response_bytes, *rest = point["doubles"]
    assert (one, request_bytes, {*rest}) == (1, 5, {0})
    assert 0 <= wall_ms < 5_000
    assert response_bytes > 100


@pytest.mark.parametrize(
    ("place", "app", "blobs"),
    [
        ((f"nobody.{ZONE}", "/"), "nobody", ["nobody", "production", "no-app", "read", "XX"]),
        ((f"www.{ZONE}", "/"), "-", ["", "", "no-app", "read", "XX"]),
        ((WORKERS_DEV, "/"), "-", ["", "", "landing", "read", "XX"]),
        ((f"throwing.{ZONE}", "/"), "throwing", ["throwing", "production", "app-exception", "read", "XX"]),
        ((WORKERS_DEV, "/app/redirected"), "redirected", ["redirected", "production", "redirected", "read", "XX"]),
    ],
)
def test_whatever_is_answered_is_a_data_point(edge, store, place, app, blobs):
    before = len(store.points(PLAIN.name, app))
    edge.get(*place)
    assert [point["blobs"] for point in store.points(PLAIN.name, app, before + 1)][before:] == [blobs]


def test_a_websocket_is_one_data_point(edge, store):
    with Echo(edge.port, f"chat.{ZONE}", "/"):
        (point,) = store.points(PLAIN.name, "chat", 1)
    assert point["blobs"] == ["chat", "production", "served", "websocket", "XX"]


def test_a_request_is_answered_though_its_data_point_is_lost(edge):
    assert edge.get(f"abc123.{MUTE.domain}").status_code == 200
