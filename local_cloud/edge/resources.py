"""What bindings keep their data in, by type: the service that leads there, and the header that names it there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KV_HEADER = "local-cloud-kv-namespace"
D1_HEADER = "local-cloud-d1-database"
R2_HEADER = "local-cloud-r2-bucket"

WORKERD_HOST = "fake-host"
"""What workerd names as the host in each request of a KV or R2 binding."""
D1_HOST = "d1"
"""What workerd's client of D1 names as the host."""


@dataclass(frozen=True)
class Resource:
    """`field` of a binding names one; `host` is asked, and told the name in `header`."""

    field: str
    prefix: str
    header: str
    host: str = WORKERD_HOST

    def service(self, binding: Mapping[str, Any]) -> str:
        """The name of the service."""
        return f"{self.prefix}{binding[self.field]}"

    def told(self, binding: Mapping[str, Any]) -> tuple[str, str]:
        """The header, and what it says."""
        return self.header, binding[self.field]


RESOURCES = {
    "d1": Resource("id", "d1:", D1_HEADER, D1_HOST),
    "kv_namespace": Resource("namespace_id", "kv:", KV_HEADER),
    "r2_bucket": Resource("bucket_name", "r2:", R2_HEADER),
}
"""By the binding's type."""
