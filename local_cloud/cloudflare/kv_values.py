"""The values of a KV namespace, one by one, and the list of its keys."""

from local_cloud import kv
from local_cloud.call import Answer, Call
from local_cloud.cloudflare import code
from local_cloud.cloudflare.dialect import Page, refusal
from local_cloud.cloudflare.kv_namespaces import NAMESPACE, kv_namespace_of
from local_cloud.routing import RouteTable

routes = RouteTable(permission="Workers KV Storage")

VALUE = f"{NAMESPACE}/values/{{key}}"


@routes.on("GET", VALUE)
def get_value(call: Call) -> Answer:
    """The value as it is; the header `expiration` says when it goes."""
    found = kv.read(call.store, kv_namespace_of(call)["id"], call["key"])
    if not found:
        raise refusal(404, 10009, "get: 'key not found'")
    expiration = {"expiration": str(found["expiration"])} if "expiration" in found else {}
    headers = {"Content-Type": "application/octet-stream", **expiration}
    return Answer(body=call.store.blob(found["blob"]), headers=headers)


@routes.on("PUT", VALUE)
def put_value(call: Call) -> None:
    """The body is the value; or it is a form with the parts `value` and, perhaps, `metadata`."""
    options = call.filters("expiration", "expiration_ttl")
    value, metadata = call.body, None
    if call.headers.get("content-type", "").startswith("multipart/form-data"):
        value = code.part(call, "value")
        metadata = next((part.body.decode() for part in call.form if part.name == "metadata"), None)
    sent = kv.Value(body=value, options=options, metadata=metadata)
    try:
        kv.write(call.store, kv_namespace_of(call)["id"], call["key"], sent)
    except kv.KvError as error:
        raise refusal(error.status, error.code, str(error)) from None


@routes.on("DELETE", VALUE)
def delete_value(call: Call) -> None:
    kv.delete(call.store, kv_namespace_of(call)["id"], call["key"])


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
