"""The HTTP calls by which the edge reads and writes what bindings keep."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from local_cloud.edge.workers import KV_HEADER
from local_cloud.edge_data import WORKERD_HOST, data_routes
from local_cloud.store import Reader, Store

TOKEN = "the-token"


class OneAfterTheOther:
    """The `Writes` of these tests."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def run(self, work: Any) -> None:
        with self._store.transaction():
            work()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "cloud.sqlite3")
    with store.transaction():
        store.put("kv_namespaces", "", "one", {"id": "one"})
        store.put("kv_values", "one", "key", {"blob": store.put_blob(b"value")})
    yield store
    store.close()


@pytest.fixture
def app(store: Store, tmp_path: Path) -> Iterator[Starlette]:
    reader = Reader(tmp_path / "cloud.sqlite3")
    yield Starlette(routes=data_routes(reader, store, OneAfterTheOther(store), TOKEN))
    reader.close()


def ask(app: Starlette, method: str, path: str, **options: Any) -> httpx.Response:
    async def asked() -> httpx.Response:
        headers = {"authorization": f"Bearer {TOKEN}", KV_HEADER: "one", **options.pop("headers", {})}
        base = options.pop("base", f"http://{WORKERD_HOST}")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base) as client:
            return await client.request(method, path, headers=headers, **options)

    return asyncio.run(asked())


def test_the_edge_reads_and_writes(app: Starlette) -> None:
    assert ask(app, "GET", "/key").content == b"value"
    assert ask(app, "PUT", "/a%2Fb", content=b"\0").status_code == 200
    assert ask(app, "GET", "/a%2Fb").content == b"\0"
    assert ask(app, "GET", "/absent").status_code == 404


CALLS = [("GET", "/key"), ("GET", "/"), ("PUT", "/key"), ("DELETE", "/key"), ("POST", "/bulk/get"), ("POST", "/")]


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", b"Bearer \xe9", TOKEN])
@pytest.mark.parametrize(("method", "path"), CALLS)
def test_only_the_edges_token_opens_it(app: Starlette, method: str, path: str, authorization: str | bytes) -> None:
    answer = ask(app, method, path, headers={"authorization": authorization})
    assert answer.status_code == 401
    assert "value" not in answer.text
    assert ask(app, "GET", "/key").content == b"value"


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_at_any_other_host_there_is_nothing(app: Starlette, method: str, path: str) -> None:
    assert ask(app, method, path, base="http://127.0.0.1").status_code == 404
