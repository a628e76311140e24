"""KV as a binding of an account Worker, in a real workerd over a real store."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from edge_harness import EMPTY, RunningEdge, bundle, serve

from local_cloud import kv
from local_cloud.store import Store

HOST = "app.overskill.workers.localhost"
WORKER = """
export default {
  async fetch(request, env) {
    const [binding, method, ...args] = JSON.parse(new URL(request.url).searchParams.get("call"));
    if (request.body) args.splice(1, 0, request.headers.has("x-stream") ? request.body : await request.arrayBuffer());
    try {
      const result = await env[binding][method](...args);
      if (result instanceof ArrayBuffer) return new Response(result);
      return Response.json(result instanceof Map ? Object.fromEntries(result) : (result ?? null));
    } catch (error) {
      return Response.json({ error: error.message }, { status: 555 });
    }
  },
};
"""
BINDINGS = (
    {"type": "kv_namespace", "name": "KV", "namespace_id": "one"},
    {"type": "kv_namespace", "name": "OTHER", "namespace_id": "two"},
    {"type": "kv_namespace", "name": "GONE", "namespace_id": "gone"},
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "cloud.sqlite3"
    store = Store(path)
    with store.transaction():
        for namespace in ("one", "two"):
            store.put("kv_namespaces", "", namespace, {"id": namespace, "title": namespace})
    store.close()
    return path


@pytest.fixture(scope="module")
def edge(workerd_binary: Path, tmp_path_factory: pytest.TempPathFactory, file: Path) -> Iterator[RunningEdge]:
    account = replace(EMPTY, workers=(bundle("app", WORKER, bindings=BINDINGS),), workers_dev=frozenset({"app"}))
    with serve(workerd_binary, tmp_path_factory.mktemp("data"), account, store=file) as running:
        yield running


def call(edge: RunningEdge, *words: Any, **options: Any) -> httpx.Response:
    return edge.get(HOST, params={"call": json.dumps(words)}, **options)


def result(edge: RunningEdge, *words: Any) -> Any:
    answer = call(edge, *words)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_value_is_put_read_and_deleted(edge: RunningEdge) -> None:
    assert result(edge, "KV", "get", "a") is None
    result(edge, "KV", "put", "a", "wörth")
    assert result(edge, "KV", "get", "a") == "wörth"
    assert result(edge, "OTHER", "get", "a") is None
    result(edge, "KV", "put", "a", '{"now":["json"]}')
    assert result(edge, "KV", "get", "a", "json") == {"now": ["json"]}
    result(edge, "KV", "delete", "a")
    assert result(edge, "KV", "get", "a") is None
    result(edge, "KV", "delete", "a")


@pytest.mark.parametrize("key", ["a/b", "client/v4/zones", "bulk/get", "_edge/x", "%2F ü?&#", "/", "k" * 512])
def test_a_key_may_be_any(edge: RunningEdge, key: str) -> None:
    result(edge, "KV", "put", key, key)
    assert result(edge, "KV", "get", key) == key
    assert [one["name"] for one in result(edge, "KV", "list", {"prefix": key})["keys"]] == [key]
    result(edge, "KV", "delete", key)


def test_metadata_and_expiration(edge: RunningEdge) -> None:
    until = int(time.time()) + 3600
    result(edge, "KV", "put", "m", "value", {"metadata": {"é": [1]}, "expiration": until})
    found = result(edge, "KV", "getWithMetadata", "m")
    assert (found["value"], found["metadata"]) == ("value", {"é": [1]})
    (listed,) = result(edge, "KV", "list", {"prefix": "m"})["keys"]
    assert listed == {"name": "m", "expiration": until, "metadata": {"é": [1]}}
    result(edge, "KV", "put", "m", "value", {"expirationTtl": 60})
    (listed,) = result(edge, "KV", "list", {"prefix": "m"})["keys"]
    assert abs(listed["expiration"] - time.time() - 60) < 3
    assert result(edge, "KV", "getWithMetadata", "m")["metadata"] is None
    result(edge, "KV", "delete", "m")


def test_an_expired_value_is_gone(edge: RunningEdge, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result(edge, "KV", "put", "e", "value", {"expirationTtl": 60})
    later = time.time() + 61
    monkeypatch.setattr(kv.time, "time", lambda: later)
    assert result(edge, "KV", "get", "e") is None
    assert result(edge, "KV", "list", {"prefix": "e"})["keys"] == []


def test_a_list_comes_in_pages(edge: RunningEdge) -> None:
    for name in ("p3", "p1", "p2", "q"):
        result(edge, "OTHER", "put", name, name)
    first = result(edge, "OTHER", "list", {"prefix": "p", "limit": 2})
    assert ([key["name"] for key in first["keys"]], first["list_complete"]) == (["p1", "p2"], False)
    second = result(edge, "OTHER", "list", {"prefix": "p", "limit": 2, "cursor": first["cursor"]})
    assert ([key["name"] for key in second["keys"]], second["list_complete"]) == (["p3"], True)


def test_many_values_at_once(edge: RunningEdge) -> None:
    result(edge, "KV", "put", "b1", "1", {"metadata": "m"})
    result(edge, "KV", "put", "b2", "x")
    assert result(edge, "KV", "get", ["b1", "b2", "b3"]) == {"b1": "1", "b2": "x", "b3": None}
    assert result(edge, "KV", "get", ["b1"], "json") == {"b1": 1}
    assert result(edge, "KV", "getWithMetadata", ["b1"]) == {"b1": {"value": "1", "metadata": "m"}}
    assert "KV GET_BULK failed: 400" in call(edge, "KV", "get", ["b2"], "json").json()["error"]


@pytest.mark.parametrize("headers", [{}, {"x-stream": "1"}])
def test_a_large_binary_value(edge: RunningEdge, headers: dict[str, str]) -> None:
    body = bytes(range(256)) * (kv.MAX_VALUE_BYTES // 256)
    answer = call(edge, "KV", "put", "large", method="POST", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert call(edge, "KV", "get", "large", "arrayBuffer").content == body
    answer = call(edge, "KV", "put", "large", method="POST", content=body + b"!", headers=headers)
    assert "KV PUT failed: 413" in answer.json()["error"]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("KV", "put", "a", "b", {"expirationTtl": 59}), "KV PUT failed: 400"),
        (("KV", "put", "a", "b", {"expiration": 1}), "KV PUT failed: 400"),
        (("KV", "put", "a", "b", {"metadata": "m" * 1024}), "KV PUT failed: 413"),
        (("KV", "get", [f"k{number}" for number in range(101)]), "KV GET_BULK failed: 400"),
        (("GONE", "put", "a", "b"), "KV PUT failed: 404"),
        (("GONE", "delete", "a"), "KV DELETE failed: 404"),
    ],
)
def test_what_kv_does_not_keep_is_an_error(edge: RunningEdge, words: tuple[Any, ...], error: str) -> None:
    assert error in call(edge, *words).json()["error"]
    assert result(edge, "KV", "get", "a") is None


def test_a_read_does_not_wait_for_a_write(edge: RunningEdge, file: Path) -> None:
    result(edge, "KV", "put", "committed", "1")
    writer = Store(file)
    with writer.transaction():
        writer.put("kv_values", "one", "other", {"blob": writer.put_blob(b"")})
        assert result(edge, "KV", "get", "committed") == "1"
        assert result(edge, "KV", "get", "other") is None
    writer.close()
