"""KV namespaces, by title; their values are in `kv_values.py`."""

from typing import Any

from local_cloud.call import Call, Strict
from local_cloud.cloudflare.dialect import Page, new_id, page, refusal
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="Workers KV Storage")

NAMESPACES = "/accounts/{account}/storage/kv/namespaces"
NAMESPACE = f"{NAMESPACES}/{{kv_namespace}}"


class NamespaceBody(Strict):
    title: str


@routes.on("POST", NAMESPACES)
def create_namespace(call: Call) -> dict[str, Any]:
    return _put(call, new_id())


@routes.on("GET", NAMESPACES)
def list_namespaces(call: Call) -> Page:
    """`order=id|title` and `direction=asc|desc` sort."""
    query = call.filters("page", "per_page", "order", "direction")
    order, direction = query.get("order", "id"), query.get("direction", "asc")
    if order not in {"id", "title"}:
        raise refusal(400, 10043, f"invalid order: {order}")
    if direction not in {"asc", "desc"}:
        raise refusal(400, 10044, f"invalid direction: {direction}")
    namespaces = call.store.values("kv_namespaces", "")
    return page(call, sorted(namespaces, key=lambda one: one[order], reverse=direction == "desc"))


@routes.on("GET", NAMESPACE)
def get_namespace(call: Call) -> dict[str, Any]:
    return kv_namespace_of(call)


@routes.on("PUT", NAMESPACE)
def rename_namespace(call: Call) -> dict[str, Any]:
    return _put(call, kv_namespace_of(call)["id"])


@routes.on("DELETE", NAMESPACE)
def delete_namespace(call: Call) -> None:
    """Its values go with it. A Worker that is bound to it finds nothing there, and cannot write."""
    namespace = kv_namespace_of(call)
    call.store.delete("kv_namespaces", "", namespace["id"])
    call.store.clear("kv_values", namespace["id"])


def kv_namespace_of(call: Call) -> Document:
    """The namespace in the call's path, `{id, title, supports_url_encoding}`; refused with 10013 if there is none."""
    namespace = call.store.get("kv_namespaces", "", call["kv_namespace"])
    if not namespace:
        raise refusal(404, 10013, "namespace not found")
    return namespace


def _put(call: Call, identifier: str) -> dict[str, Any]:
    title = call.json(NamespaceBody).title
    if not title:
        raise refusal(400, 10019, "missing title")
    others = [other for other in call.store.values("kv_namespaces", "") if other["id"] != identifier]
    if title in [other["title"] for other in others]:
        raise refusal(400, 10014, "a namespace with this account ID and title already exists")
    namespace = {"id": identifier, "title": title, "supports_url_encoding": True}
    call.store.put("kv_namespaces", "", identifier, namespace)
    return namespace
