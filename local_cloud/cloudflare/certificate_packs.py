"""Advanced certificate packs. They are ordered and kept; no certificate is ever issued, so they stay `initializing`."""

from typing import Any, Literal

from local_cloud.call import Call, Strict
from local_cloud.cloudflare.dialect import Page, new_id, page, refusal
from local_cloud.cloudflare.zones import contains, zone_of
from local_cloud.routing import RouteTable

routes = RouteTable(permission="SSL and Certificates")

PACKS = "/zones/{zone}/ssl/certificate_packs"
MAX_HOSTS = 50


class CertificatePack(Strict):
    type: Literal["advanced"]
    hosts: list[str]
    certificate_authority: Literal["google", "lets_encrypt", "ssl_com"]
    validation_method: Literal["txt", "http", "email"]
    validity_days: Literal[14, 30, 90, 365]
    cloudflare_branding: bool | None = None


@routes.on("POST", f"{PACKS}/order")
def order_pack(call: Call) -> dict[str, Any]:
    sent, zone = call.json(CertificatePack), zone_of(call)
    outside = [host for host in sent.hosts if not contains(zone, host.removeprefix("*."))]
    if outside or not 0 < len(sent.hosts) <= MAX_HOSTS or zone["name"] not in sent.hosts:
        wrong = f"; outside of it: {', '.join(outside)}" if outside else ""
        raise refusal(
            400, 1434, f"hosts must be 1 to {MAX_HOSTS} names in zone {zone['name']}, the zone's own among them{wrong}"
        )
    pack = {
        "status": "initializing",
        "primary_certificate": "0",
        "certificates": [],
        "validation_records": [],
        "validation_errors": [],
        "dcv_delegation_records": [],
        **sent.model_dump(exclude_none=True),
        "id": new_id(),
    }
    call.store.put("certificate_packs", zone["id"], pack["id"], pack)
    return pack


@routes.on("GET", PACKS)
def list_packs(call: Call) -> Page:
    """The active ones alone, unless the query's `status` is `all`."""
    status = call.filters("status", "page", "per_page").get("status")
    if status not in (None, "all"):
        raise call.invalid("status", "must be all")
    packs = call.store.values("certificate_packs", call["zone"])
    return page(call, [pack for pack in packs if status or pack["status"] == "active"], least=5, most=50)


@routes.on("GET", f"{PACKS}/{{pack}}")
def get_pack(call: Call) -> dict[str, Any]:
    pack = call.store.get("certificate_packs", call["zone"], call["pack"])
    if not pack:
        raise refusal(404, 1412, "The certificate pack does not exist.")
    return pack


@routes.on("DELETE", f"{PACKS}/{{pack}}")
def delete_pack(call: Call) -> dict[str, str]:
    pack = get_pack(call)
    call.store.delete("certificate_packs", call["zone"], pack["id"])
    return {"id": pack["id"]}
