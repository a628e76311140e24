"""The HTTP calls by which the edge reads and writes what bindings keep."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from local_cloud.d1 import Databases, Query
from local_cloud.edge.resources import D1_HEADER, D1_HOST, KV_HEADER, R2_HEADER, WORKERD_HOST
from local_cloud.edge_data import d1, data_routes
from local_cloud.edge_data import r2_protocol as protocol
from local_cloud.store import Reader, Store

TOKEN = "the-token"


class OneAfterTheOther:
    """The `Writes` of these tests."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def run(self, work: Any) -> Any:
        with self._store.transaction():
            return work()

    async def beside(self, resource: str, work: Any) -> Any:
        return work()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "cloud.sqlite3")
    with store.transaction():
        store.put("kv_namespaces", "", "one", {"id": "one"})
        store.put("kv_values", "one", "key", {"blob": store.put_blob(b"value")})
        store.put("r2_buckets", "", "two", {"name": "two", "storage_class": "Standard"})
        store.put("d1_databases", "", "three", {"uuid": "three"})
    yield store
    store.close()


@pytest.fixture
def app(store: Store, tmp_path: Path) -> Iterator[Starlette]:
    reader, databases = Reader(tmp_path / "cloud.sqlite3"), Databases(tmp_path / "databases")
    databases.run("three", [Query(sql="CREATE TABLE t (a)"), Query(sql="INSERT INTO t VALUES ('value')")])
    yield Starlette(routes=data_routes(reader, store, databases, OneAfterTheOther(store), TOKEN))
    databases.close()
    reader.close()


def ask(app: Starlette, method: str, path: str, **options: Any) -> httpx.Response:
    async def asked() -> httpx.Response:
        headers = {"authorization": f"Bearer {TOKEN}", KV_HEADER: "one", **options.pop("headers", {})}
        headers = {name: value for name, value in headers.items() if value is not None}
        base = options.pop("base", f"http://{WORKERD_HOST}")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base) as client:
            return await client.request(method, path, headers=headers, **options)

    return asyncio.run(asked())


def test_the_edge_reads_and_writes(app: Starlette) -> None:
    assert ask(app, "GET", "/key").content == b"value"
    assert ask(app, "PUT", "/a%2Fb", content=b"\0").status_code == 200
    assert ask(app, "GET", "/a%2Fb").content == b"\0"
    assert ask(app, "GET", "/absent").status_code == 404


def ask_r2(app: Starlette, message: dict[str, Any], body: bytes | None = None, **options: Any) -> httpx.Response:
    text = json.dumps({"version": 1, **message}).encode()
    headers = {R2_HEADER: "two", **({protocol.REQUEST: text} if body is None else {protocol.SIZE: str(len(text))})}
    sent = {} if body is None else {"content": text + body}
    return ask(app, "GET" if body is None else "PUT", "/", headers={**headers, KV_HEADER: None}, **sent, **options)


def ask_d1(app: Starlette, sent: Any, database: str = "three", **options: Any) -> httpx.Response:
    headers = {D1_HEADER: database, **options.pop("headers", {})}
    return ask(app, "POST", "/query", base=f"http://{D1_HOST}", json=sent, headers=headers, **options)


def test_a_bucket_is_asked(app: Starlette) -> None:
    put = ask_r2(app, {"method": "put", "object": "k", "customFields": [{"k": "a", "v": "e"}]}, b"0123456789")
    told = int(put.headers[protocol.SIZE])
    assert json.loads(put.content[:told])["size"] == 10
    got = ask_r2(app, {"method": "get", "object": "k", "range": {"offset": "2", "length": "3"}})
    told = int(got.headers[protocol.SIZE])
    assert json.loads(got.content[:told])["range"] == {"offset": 2, "length": 3}
    assert got.content[told:] == b"234"
    missing = ask_r2(app, {"method": "head", "object": "absent"})
    assert (missing.status_code, json.loads(missing.headers[protocol.ERROR])["v4code"]) == (404, 10007)


@pytest.mark.parametrize("message", [{"method": "get", "object": "k", "ssec": {"key": "0"}}, {"method": "copy"}, {}])
def test_what_is_unknown_of_a_bucket_is_refused_by_name(app: Starlette, message: dict[str, Any]) -> None:
    refused = ask_r2(app, message)
    error = json.loads(refused.headers[protocol.ERROR])
    assert (refused.status_code, error["v4code"]) == (400, 10029)
    assert "the local cloud does not serve this" in error["message"]


def test_a_database_is_asked(app: Starlette) -> None:
    sent = {"sql": "SELECT a, ? AS b FROM t", "params": [1]}
    (answer,) = ask_d1(app, sent).json()
    assert (answer["success"], answer["results"]) == (True, [{"a": "value", "b": 1}])
    (answer,) = ask_d1(app, [sent], params={"resultsFormat": "ROWS_AND_COLUMNS"}).json()
    assert answer["results"] == {"columns": ["a", "b"], "rows": [["value", 1]]}
    assert ask_d1(app, {"sql": "SELEC"}).json() == {
        "success": False,
        "error": 'near "SELEC": syntax error: SQLITE_ERROR',
    }
    assert "could not be found" in ask_d1(app, sent, database="gone").json()["error"]


def test_a_session_gets_bookmarks_that_sort(app: Starlette) -> None:
    sent = {"sql": "SELECT 1"}
    assert d1.BOOKMARK not in ask_d1(app, sent).headers
    bookmarks = [ask_d1(app, sent, headers={d1.BOOKMARK: "first-primary"}).headers[d1.BOOKMARK] for _ in range(3)]
    assert bookmarks == sorted(set(bookmarks))


AT_WORKERD = f"http://{WORKERD_HOST}"
CALLS = [
    (AT_WORKERD, "GET", "/key", KV_HEADER),
    (AT_WORKERD, "GET", "/", KV_HEADER),
    (AT_WORKERD, "PUT", "/key", KV_HEADER),
    (AT_WORKERD, "DELETE", "/key", KV_HEADER),
    (AT_WORKERD, "POST", "/bulk/get", KV_HEADER),
    (AT_WORKERD, "GET", "/", R2_HEADER),
    (AT_WORKERD, "PUT", "/", R2_HEADER),
    (f"http://{D1_HOST}", "POST", "/query", D1_HEADER),
    (f"http://{D1_HOST}", "POST", "/execute", D1_HEADER),
]
DATA_POINTS = ("http://cloud", "POST", "/_edge/data-points", "x-other")


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", b"Bearer \xe9", TOKEN])
@pytest.mark.parametrize("call", [*CALLS, DATA_POINTS])
def test_only_the_edges_token_opens_it(app: Starlette, call: tuple[str, ...], authorization: str | bytes) -> None:
    base, method, path, header = call
    headers = {"authorization": authorization, KV_HEADER: None, header: "one"}
    answer = ask(app, method, path, base=base, headers=headers)
    assert answer.status_code == 401
    assert "value" not in answer.text
    assert ask(app, "GET", "/key").content == b"value"


@pytest.mark.parametrize("call", CALLS)
def test_at_any_other_host_there_is_nothing(app: Starlette, call: tuple[str, ...]) -> None:
    _, method, path, header = call
    answer = ask(app, method, path, base="http://127.0.0.1", headers={KV_HEADER: None, header: "one"})
    assert answer.status_code == 404
