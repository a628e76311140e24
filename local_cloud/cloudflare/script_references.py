"""What stands in the way of deleting an account Worker: undocumented, but wrangler asks before it deletes one."""

from typing import Any

from local_cloud.call import Call
from local_cloud.cloudflare.account_workers import worker_named
from local_cloud.edge.workers import outbound_worker
from local_cloud.routing import RouteTable

routes = RouteTable(permission="Workers Scripts")


@routes.on("GET", "/accounts/{account}/workers/scripts/{script}/references")
def get_references(call: Call) -> dict[str, Any]:
    """Who uses the Worker. Its only use that the local cloud serves is as some binding's outbound Worker."""
    worker_named(call, call["script"])
    return {
        "services": {"incoming": [], "outgoing": [], "pages_function": False},
        "durable_objects": [],
        "dispatch_outbounds": _dispatch_outbounds(call),
    }


@routes.on("GET", "/accounts/{account}/workers/tails/by-consumer/{script}")
def list_producers(call: Call) -> list[Any]:
    """The Workers whose events it consumes: none, since an upload that names tail consumers is refused."""
    worker_named(call, call["script"])
    return []


def _dispatch_outbounds(call: Call) -> list[dict[str, Any]]:
    found = []
    for worker in call.store.values("workers", ""):
        shares = worker["deployed"]["shares"] if worker["deployed"] else {}
        for version in call.store.values("versions", worker["id"]):
            for binding in version["code"]["bindings"] if version["id"] in shares else ():
                if outbound_worker(binding) == call["script"]:
                    user = {"service": worker["name"], "environment": "production", "name": binding["name"]}
                    params = binding["outbound"].get("params", [])
                    found.append({**user, "namespace": binding["namespace"], "params": params})
    return found
