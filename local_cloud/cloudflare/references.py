"""Who uses an account Worker: custom domains, and the Workers that are bound to it or dispatch through it."""

from collections.abc import Iterator
from typing import Any

from local_cloud.call import Call
from local_cloud.edge.workers import outbound_worker
from local_cloud.store import Document


class References:
    """Looked up once, for any number of Workers. What else could refer to one is not served."""

    def __init__(self, call: Call) -> None:
        self._namespaces = {one["namespace_name"]: one["namespace_id"] for one in call.store.values("namespaces", "")}
        self._domains = call.store.values("domains", "")
        self._bindings = list(_bindings(call))

    def dispatchers(self, name: str) -> list[tuple[Document, Document]]:
        """The Workers whose running versions have a namespace behind the Worker `name`, each with that binding."""
        return [(worker, binding) for worker, binding in self._bindings if outbound_worker(binding) == name]

    def bound(self, name: str) -> list[tuple[Document, Document]]:
        """The Workers whose running versions have the Worker `name` as a service, each with that binding."""
        return [(worker, binding) for worker, binding in self._bindings if binding.get("service") == name]

    def of(self, name: str) -> dict[str, list[dict[str, Any]]]:
        """As a Worker shows them."""
        return {
            "dispatch_namespace_outbounds": [
                {
                    "namespace_id": self._namespaces[binding["namespace"]],
                    "namespace_name": binding["namespace"],
                    "worker_id": worker["id"],
                    "worker_name": worker["name"],
                }
                for worker, binding in self.dispatchers(name)
                if binding["namespace"] in self._namespaces
            ],
            "domains": [
                {
                    "id": domain["id"],
                    "certificate_id": domain["cert_id"],
                    **{key: domain[key] for key in ("hostname", "zone_id", "zone_name")},
                }
                for domain in self._domains
                if domain["service"] == name
            ],
            "durable_objects": [],
            "queues": [],
            "workers": [{"id": worker["id"], "name": worker["name"]} for worker, _ in self.bound(name)],
        }


def _bindings(call: Call) -> Iterator[tuple[Document, Document]]:
    """Every Worker that runs, with each of its bindings."""
    for worker in call.store.values("workers", ""):
        shares = worker["deployed"]["shares"] if worker["deployed"] else {}
        for version in call.store.values("versions", worker["id"]):
            for binding in version["code"]["bindings"] if version["id"] in shares else ():
                yield worker, binding
