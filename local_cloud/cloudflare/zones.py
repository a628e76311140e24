"""Zones: the account's domains. Those of the settings are made at the start."""

import re
from typing import Any, Literal

from local_cloud.call import Call, Strict
from local_cloud.cloudflare.access import FAMILIES, ZONE, caller, reach, reaches_zone
from local_cloud.cloudflare.dialect import Page, new_id, now, page, refusal
from local_cloud.cloudflare.user import account
from local_cloud.routing import RouteTable
from local_cloud.settings import DOMAIN_NAME
from local_cloud.store import Document

routes = RouteTable(permission="Zone")


OWNED = ("dns_records", "routes", "certificate_packs", "fallback_origins")
"""The collections of what belongs to a zone, by its id."""


class AccountReference(Strict):
    id: str


class ZoneReference(Strict):
    """`zone_id` or `zone_name` says which zone is meant; without them, it follows from a host name."""

    zone_id: str | None = None
    zone_name: str | None = None

    def candidates(self, call: Call) -> list[Document]:
        """The account's zones that may be meant; of nested ones, the innermost first."""
        zones = sorted(call.store.values("zones", ""), key=lambda zone: -len(zone["name"]))
        return [zone for zone in zones if self.zone_id in {None, zone["id"]} and self.zone_name in {None, zone["name"]}]


class NewZone(Strict):
    name: str
    account: AccountReference
    type: Literal["full"] = "full"


@routes.on("POST", "/zones")
def create_zone(call: Call) -> dict[str, Any]:
    """It is active at once: no name server is asked whether the domain is delegated."""
    sent = call.json(NewZone)
    if sent.account.id != call.cloud.settings.account:
        raise refusal(403, 10000, "Authentication error")
    if not re.fullmatch(DOMAIN_NAME, sent.name):
        raise refusal(400, 1001, f"Invalid zone name {sent.name!r}: must be a lower-case domain name")
    if any(zone["name"] == sent.name for zone in call.store.values("zones", "")):
        raise refusal(400, 1061, f"{sent.name} already exists")
    zone = {"id": new_id(), "name": sent.name, "created_on": now()}
    call.store.put("zones", "", zone["id"], zone)
    return _shown(call, zone)


@routes.on("GET", "/zones")
def list_zones(call: Call) -> Page:
    """Those that the token reaches. Filters: `name`, `status`, `account.id`; the order is by name."""
    filters = call.filters("name", "status", "account.id", "page", "per_page")
    allowed = reach(caller(call), FAMILIES["Zone"].enough("GET"), ZONE)
    zones = sorted((_shown(call, zone) for zone in call.store.values("zones", "")), key=lambda zone: zone["name"])
    found = [
        zone
        for zone in zones
        if reaches_zone(allowed, zone["id"])
        and filters.get("name", zone["name"]) == zone["name"]
        and filters.get("status", zone["status"]) == zone["status"]
        and filters.get("account.id", zone["account"]["id"]) == zone["account"]["id"]
    ]
    return page(call, found)


@routes.on("GET", "/zones/{zone}")
def get_zone(call: Call) -> dict[str, Any]:
    return _shown(call, zone_of(call))


@routes.on("DELETE", "/zones/{zone}")
def delete_zone(call: Call) -> dict[str, str]:
    """Delete a zone with all that is in it."""
    zone = zone_of(call)
    call.store.delete("zones", "", zone["id"])
    for collection in OWNED:
        call.store.clear(collection, zone["id"])
    for domain in call.store.values("domains", ""):
        if domain["zone_id"] == zone["id"]:
            call.store.delete("domains", "", domain["id"])
    return {"id": zone["id"]}


def zone_of(call: Call) -> Document:
    """The zone in the call's path, `{"id", "name", ...}`; the dialect has admitted it."""
    zone = call.store.get("zones", "", call["zone"])
    assert zone is not None  # noqa: S101
    return zone


def contains(zone: Document, hostname: str) -> bool:
    """Whether a host name is the zone's own or below it."""
    return hostname == zone["name"] or hostname.endswith(f".{zone['name']}")


def _shown(call: Call, zone: Document) -> dict[str, Any]:
    """A zone as the API shows it. It is on no plan, at no registrar, and nobody else's."""
    return {
        "id": zone["id"],
        "name": zone["name"],
        "status": "active",
        "type": "full",
        "paused": False,
        "development_mode": 0,
        "name_servers": [],
        "original_name_servers": [],
        "original_registrar": None,
        "original_dnshost": None,
        "vanity_name_servers": [],
        "permissions": ["#dns_records:edit", "#dns_records:read", "#worker:edit", "#worker:read", "#zone:read"],
        "account": account(call),
        "owner": {},
        "meta": {},
        "plan": {},
        "tenant": {},
        "tenant_unit": {},
        "activated_on": zone["created_on"],
        "created_on": zone["created_on"],
        "modified_on": zone["created_on"],
    }
