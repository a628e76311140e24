"""What stands in the way of deleting an account Worker: undocumented, but wrangler asks before it deletes one."""

from collections.abc import Iterator
from typing import Any

from local_cloud.call import Call
from local_cloud.cloudflare.account_workers import worker_named
from local_cloud.edge.workers import outbound_worker
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="Workers Scripts")


@routes.on("GET", "/accounts/{account}/workers/scripts/{script}/references")
def get_references(call: Call) -> dict[str, Any]:
    """Which bindings use the Worker: as a service, or as their outbound Worker."""
    worker_named(call, call["script"])
    return {
        "services": {"incoming": _services(call), "outgoing": [], "pages_function": False},
        "durable_objects": [],
        "dispatch_outbounds": _dispatch_outbounds(call),
    }


@routes.on("GET", "/accounts/{account}/workers/tails/by-consumer/{script}")
def list_producers(call: Call) -> list[Any]:
    """The Workers whose events it consumes: none, since an upload that names tail consumers is refused."""
    worker_named(call, call["script"])
    return []


def _bindings(call: Call) -> Iterator[tuple[Document, Document]]:
    """Each binding of what runs of the account's Workers, after how that Worker is shown."""
    for worker in call.store.values("workers", ""):
        shares = worker["deployed"]["shares"] if worker["deployed"] else {}
        for version in call.store.values("versions", worker["id"]):
            for binding in version["code"]["bindings"] if version["id"] in shares else ():
                yield {"service": worker["name"], "environment": "production", "name": binding["name"]}, binding


def _services(call: Call) -> list[Document]:
    return [user for user, binding in _bindings(call) if binding.get("service") == call["script"]]


def _dispatch_outbounds(call: Call) -> list[Document]:
    return [
        {**user, "namespace": binding["namespace"], "params": binding["outbound"].get("params", [])}
        for user, binding in _bindings(call)
        if outbound_worker(binding) == call["script"]
    ]
