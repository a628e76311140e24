"""The fallback origin of a zone: where the requests to customers' own hostnames go."""

from typing import Any

from local_cloud.call import Call, Strict
from local_cloud.cloudflare.dialect import now, refusal
from local_cloud.cloudflare.dns_records import PROXIABLE
from local_cloud.cloudflare.zones import contains, zone_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="SSL and Certificates")

FALLBACK_ORIGIN = "/zones/{zone}/custom_hostnames/fallback_origin"

NOT_SET_UP = "DNS records are not setup correctly. Origin should be a proxied A/AAAA/CNAME dns record"


class FallbackOrigin(Strict):
    origin: str


@routes.on("PUT", FALLBACK_ORIGIN)
def put_fallback_origin(call: Call) -> dict[str, Any]:
    """A host in the zone. It is active as long as the host has a proxied record, and says so where it hasn't."""
    origin, zone = call.json(FallbackOrigin).origin.lower(), zone_of(call)
    if not contains(zone, origin):
        raise refusal(400, 1456, f"The fallback origin must be a host in zone {zone['name']}, not {origin!r}.")
    known, at = call.store.get("fallback_origins", zone["id"], ""), now()
    fallback = {"origin": origin, "created_at": known["created_at"] if known else at, "updated_at": at}
    call.store.put("fallback_origins", zone["id"], "", fallback)
    return _shown(call, fallback)


@routes.on("GET", FALLBACK_ORIGIN)
def get_fallback_origin(call: Call) -> dict[str, Any]:
    return _shown(call, _fallback_origin(call))


@routes.on("DELETE", FALLBACK_ORIGIN)
def delete_fallback_origin(call: Call) -> dict[str, Any]:
    """It is gone at once; the answer is the last that is seen of it."""
    fallback = _fallback_origin(call)
    call.store.delete("fallback_origins", call["zone"], "")
    return {**fallback, "status": "pending_deletion", "errors": []}


def _fallback_origin(call: Call) -> Document:
    fallback = call.store.get("fallback_origins", call["zone"], "")
    if not fallback:
        raise refusal(404, 1455, "The zone has no fallback origin.")
    return fallback


def _shown(call: Call, fallback: Document) -> dict[str, Any]:
    proxied = any(
        record["name"] == fallback["origin"] and record["type"] in PROXIABLE and record["proxied"]
        for record in call.store.values("dns_records", call["zone"])
    )
    status, errors = ("active", []) if proxied else ("pending_deployment", [NOT_SET_UP])
    return {**fallback, "status": status, "errors": errors}
