"""The values of a KV namespace with their metadata, one by one and many at once, and the list of its keys."""

import base64
import json
from typing import Annotated, Any

from pydantic import Field

from local_cloud import kv
from local_cloud.call import Answer, Call, Strict
from local_cloud.cloudflare import code
from local_cloud.cloudflare.dialect import Page, refusal
from local_cloud.cloudflare.kv_namespaces import NAMESPACE, kv_namespace_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="Workers KV Storage")

VALUE = f"{NAMESPACE}/values/{{key}}"
BULK = f"{NAMESPACE}/bulk"
MAX_BULK = 10_000
MAX_BULK_GET = 100


class Pair(Strict):
    """`base64`: `value` is that of bytes, and not the value itself."""

    key: str
    value: str
    base64: bool = False
    expiration: int | None = None
    expiration_ttl: int | None = None
    metadata: Any = None

    def kept(self) -> kv.Value:
        """Raises `ValueError` if it is not base64."""
        body = base64.b64decode(self.value, validate=True) if self.base64 else self.value.encode()
        options = {name: str(value) for name in kv.OPTIONS if (value := getattr(self, name)) is not None}
        metadata = None if self.metadata is None else json.dumps(self.metadata)
        return kv.Value(body=body, options=options, metadata=metadata)


class Wanted(Strict):
    """Values to read together."""

    keys: Annotated[list[str], Field(max_length=MAX_BULK_GET)]


Pairs = Annotated[list[Pair], Field(max_length=MAX_BULK)]
Keys = Annotated[list[str], Field(max_length=MAX_BULK)]


@routes.on("GET", VALUE)
def get_value(call: Call) -> Answer:
    """The value as it is; the header `expiration` says when it goes."""
    found = _found(call)
    expiration = {"expiration": str(found["expiration"])} if "expiration" in found else {}
    headers = {"Content-Type": "application/octet-stream", **expiration}
    return Answer(body=call.store.blob(found["blob"]), headers=headers)


@routes.on("GET", f"{NAMESPACE}/metadata/{{key}}")
def get_metadata(call: Call) -> Any:
    """None for a value that has none."""
    return _found(call).get("metadata")


@routes.on("PUT", VALUE)
def put_value(call: Call) -> None:
    """The body is the value; or it is a form with the parts `value` and, perhaps, `metadata`."""
    options = call.filters(*kv.OPTIONS)
    value, metadata = call.body, None
    if call.headers.get("content-type", "").startswith("multipart/form-data"):
        value = code.part(call, "value")
        metadata = next((part.body.decode() for part in call.form if part.name == "metadata"), None)
    sent = kv.Value(body=value, options=options, metadata=metadata)
    _write(call, kv_namespace_of(call)["id"], call["key"], sent)


@routes.on("DELETE", VALUE)
def delete_value(call: Call) -> None:
    kv.delete(call.store, kv_namespace_of(call)["id"], call["key"])


@routes.on("PUT", BULK)
def put_values(call: Call) -> dict[str, Any]:
    """All or none: one that KV does not keep has all of them refused."""
    pairs, namespace = call.json(Pairs), kv_namespace_of(call)["id"]
    for index, pair in enumerate(pairs):
        try:
            _write(call, namespace, pair.key, pair.kept())
        except ValueError as error:
            raise call.invalid(f"{index}.value", f"is not base64: {error}") from None
    return _written(len(pairs))


@routes.on("POST", f"{BULK}/delete")
@routes.on("DELETE", BULK)
def delete_values(call: Call) -> dict[str, Any]:
    keys, namespace = call.json(Keys), kv_namespace_of(call)["id"]
    for key in keys:
        kv.delete(call.store, namespace, key)
    return _written(len(keys))


@routes.on("POST", f"{BULK}/get")
def get_values(call: Call) -> dict[str, Any]:
    """As texts; null for a key that has none."""
    wanted, namespace = call.json(Wanted), kv_namespace_of(call)["id"]
    found = {key: kv.read(call.store, namespace, key) for key in wanted.keys}
    texts = {key: call.store.blob(value["blob"]).decode(errors="replace") for key, value in found.items() if value}
    return {"values": {key: texts.get(key) for key in wanted.keys}}


@routes.on("GET", f"{NAMESPACE}/keys")
def list_keys(call: Call) -> Page:
    """`prefix` filters, `limit` (1,000 at most) and `cursor` page."""
    query = call.filters("prefix", "limit", "cursor")
    found = kv.keys(
        call.store,
        kv_namespace_of(call)["id"],
        prefix=query.get("prefix", ""),
        limit=call.number("limit", kv.MAX_KEYS, kv.MAX_KEYS),
        cursor=query.get("cursor", ""),
    )
    return Page(result=found.keys, info={"count": len(found.keys), "cursor": found.cursor or ""})


def _found(call: Call) -> Document:
    found = kv.read(call.store, kv_namespace_of(call)["id"], call["key"])
    if not found:
        raise refusal(404, 10009, "get: 'key not found'")
    return found


def _write(call: Call, namespace: str, key: str, value: kv.Value) -> None:
    try:
        kv.write(call.store, namespace, key, value)
    except kv.KvError as error:
        raise refusal(error.status, error.code, str(error)) from None


def _written(count: int) -> dict[str, Any]:
    return {"successful_key_count": count, "unsuccessful_keys": []}
