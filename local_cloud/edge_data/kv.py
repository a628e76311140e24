"""KV as workerd asks for it."""

import json
from collections.abc import Callable
from functools import partial
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from local_cloud import kv
from local_cloud.edge.resources import KV_HEADER
from local_cloud.store import Document, Reader, Store
from local_cloud.writes import Writes

MAX_BULK_KEYS = 100


def routes(reader: Reader, store: Store, writes: Writes) -> list[Route]:
    """`GET`, `PUT` and `DELETE /{key}`, `GET /` for the list of keys, `POST /bulk/get`.

    404: no such value, or no such namespace. 400, 413, 414: KV doesn't keep that.
    """

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

    return [
        Route("/bulk/get", read_many, methods=["POST"]),
        Route("/{key:path}", read, methods=["GET"]),
        Route("/{key:path}", put, methods=["PUT"]),
        Route("/{key:path}", delete, methods=["DELETE"]),
    ]


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
