"""What account Workers read and write through their bindings: KV and Analytics Engine, private to the edge.

workerd asks in its own protocol, at a host of its own, and of a service that the configuration names: `config.py` has
it send the token, and the id of the KV namespace. Reads see what is committed and wait for nothing; a write is one
transaction among the others.
"""

import json
import uuid
from collections.abc import Callable
from functools import partial
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Host, Route, Router

from local_cloud import kv
from local_cloud.edge.source import edge_only
from local_cloud.edge.workers import DATASET_PREFIX, KV_HEADER
from local_cloud.store import Document, Reader, Store
from local_cloud.writes import Writes

WORKERD_HOST = "fake-host"
"""What workerd names as the host in each request of such a binding."""

MAX_BULK_KEYS = 100
NUMBERS = range(1, 21)
"""Of the blobs and the doubles of a data point."""


def data_routes(reader: Reader, store: Store, writes: Writes, token: str) -> list[Host]:
    """The routes of both bindings, open to bearers of `token` alone.

    `POST /` keeps a data point. The others are KV's: `GET`, `PUT` and `DELETE /{key}`, `GET /` for the list of keys,
    `POST /bulk/get`. 404: no such value, or no such namespace. 400, 413, 414: KV doesn't keep that. 401: wrong token.
    """

    async def data_point(request: Request) -> Response:
        await writes.run(partial(keep_data_point, store, await request.json()))
        return Response()

    async def read(request: Request) -> Response:
        namespace, key = request.headers[KV_HEADER], _key(request)
        return _value(reader, namespace, key) if key else _keys(reader, namespace, request)

    async def read_many(request: Request) -> Response:
        namespace, asked = request.headers[KV_HEADER], await request.json()
        if not 1 <= len(asked["keys"]) <= MAX_BULK_KEYS or asked.get("type", "text") not in {"json", "text"}:
            return PlainTextResponse(f"1 to {MAX_BULK_KEYS} keys at once, as text or json", 400)
        try:
            return JSONResponse({key: _one_of_many(reader, namespace, key, asked) for key in asked["keys"]})
        except json.JSONDecodeError:
            return PlainTextResponse("a value is not JSON", 400)

    async def put(request: Request) -> Response:
        # A header holds bytes: workerd sends UTF-8, Starlette reads Latin-1.
        metadata = request.headers.get("cf-kv-metadata", "").encode("latin-1").decode() or None
        value = kv.Value(body=await request.body(), options=request.query_params, metadata=metadata)
        return await change(request, partial(kv.write, value=value))

    async def delete(request: Request) -> Response:
        return await change(request, kv.delete)

    async def change(request: Request, work: Callable[[Store, str, str], None]) -> Response:
        namespace, key = request.headers[KV_HEADER], _key(request)

        def in_namespace() -> None:
            if not store.get("kv_namespaces", "", namespace):
                raise kv.KvError(404, 10013, "namespace not found")
            work(store, namespace, key)

        try:
            await writes.run(in_namespace)
        except kv.KvError as error:
            return PlainTextResponse(str(error), error.status)
        return Response()

    answers = [
        ("POST", "/", data_point),
        ("POST", "/bulk/get", read_many),
        ("GET", "/{key:path}", read),
        ("PUT", "/{key:path}", put),
        ("DELETE", "/{key:path}", delete),
    ]
    routes = [Route(path, edge_only(token, endpoint), methods=[method]) for method, path, endpoint in answers]
    return [Host(WORKERD_HOST, Router(routes))]


def keep_data_point(store: Store, sent: Document) -> None:
    """Keep what workerd sends of a data point: `{timestamp, index1, blobs, doubles}`, in `data_points` of its dataset.

    `timestamp` is in nanoseconds. Texts arrive as arrays of bytes; empty blobs at the end are none.
    """

    def text(name: str) -> str:
        return bytes(sent.get(name, ())).decode(errors="replace")

    dataset = text("dataset").removeprefix(DATASET_PREFIX)
    blobs = [text(f"blob{number}") for number in NUMBERS]
    while blobs and not blobs[-1]:
        blobs.pop()
    timestamp = int(sent["timestamp"])
    doubles = [sent[f"double{number}"] for number in NUMBERS]
    point = {"timestamp": timestamp, "index1": text("index1"), "blobs": blobs, "doubles": doubles}
    store.put("data_points", dataset, f"{timestamp:020}-{uuid.uuid4()}", point)
    store.put("datasets", "", dataset, {"name": dataset})


def _key(request: Request) -> str:
    """From the path as it was sent: a key may hold encoded slashes."""
    return unquote(request.scope["raw_path"].decode().partition("?")[0].removeprefix("/"))


def _value(reader: Reader, namespace: str, key: str) -> Response:
    found = kv.read(reader, namespace, key)
    if not found:
        return PlainTextResponse("key not found", 404)
    headers = {"cf-kv-metadata": json.dumps(found["metadata"])} if "metadata" in found else {}
    return Response(reader.blob(found["blob"]), headers=headers)


def _keys(reader: Reader, namespace: str, request: Request) -> Response:
    query = request.query_params
    limit = min(int(query.get("key_count_limit", kv.MAX_KEYS)), kv.MAX_KEYS)
    page = kv.keys(reader, namespace, prefix=query.get("prefix", ""), limit=limit, cursor=query.get("cursor", ""))
    keys = [{**key, "metadata": json.dumps(key["metadata"])} if "metadata" in key else key for key in page.keys]
    more = {"cursor": page.cursor} if page.cursor else {}
    return JSONResponse({"keys": keys, "list_complete": not more, **more})


def _one_of_many(reader: Reader, namespace: str, key: str, asked: Document) -> object:
    found = kv.read(reader, namespace, key)
    if not found:
        return None
    text = reader.blob(found["blob"]).decode(errors="replace")
    value = json.loads(text) if asked.get("type") == "json" else text
    return {"value": value, "metadata": found.get("metadata")} if asked.get("withMetadata") else value
