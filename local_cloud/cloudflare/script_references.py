"""What stands in the way of deleting an account Worker: undocumented, but wrangler asks before it deletes one."""

from typing import Any

from local_cloud.call import Call
from local_cloud.cloudflare.account_workers import worker_named
from local_cloud.cloudflare.references import References
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="Workers Scripts")


@routes.on("GET", "/accounts/{account}/workers/scripts/{script}/references")
def get_references(call: Call) -> dict[str, Any]:
    """Which bindings use the Worker: as a service, or as their outbound Worker."""
    worker_named(call, call["script"])
    references = References(call)
    incoming = [_user(worker, binding) for worker, binding in references.bound(call["script"])]
    outbounds = [
        {
            **_user(worker, binding),
            "namespace": binding["namespace"],
            "params": binding["outbound"].get("params", []),
        }
        for worker, binding in references.dispatchers(call["script"])
    ]
    return {
        "services": {"incoming": incoming, "outgoing": [], "pages_function": False},
        "durable_objects": [],
        "dispatch_outbounds": outbounds,
    }


@routes.on("GET", "/accounts/{account}/workers/tails/by-consumer/{script}")
def list_producers(call: Call) -> list[Any]:
    """The Workers whose events it consumes: none, since an upload that names tail consumers is refused."""
    worker_named(call, call["script"])
    return []


def _user(worker: Document, binding: Document) -> dict[str, Any]:
    return {"service": worker["name"], "environment": "production", "name": binding["name"]}
