"""Zones: the account's domains, made from the settings at the start."""

from typing import Any

from local_cloud.call import Call
from local_cloud.cloudflare.dialect import Page, page
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable()


@routes.on("GET", "/zones")
def list_zones(call: Call) -> Page:
    """Filters: `name`, `status`, `account.id`; the order is by name."""
    filters = call.filters("name", "status", "account.id", "page", "per_page")
    zones = sorted((_shown(call, zone) for zone in call.store.values("zones", "")), key=lambda zone: zone["name"])
    found = [
        zone
        for zone in zones
        if filters.get("name", zone["name"]) == zone["name"]
        and filters.get("status", zone["status"]) == zone["status"]
        and filters.get("account.id", zone["account"]["id"]) == zone["account"]["id"]
    ]
    return page(call, found)


@routes.on("GET", "/zones/{zone}")
def get_zone(call: Call) -> dict[str, Any]:
    return _shown(call, zone_of(call))


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
        "account": {"id": call.cloud.settings.account, "name": "local"},
        "owner": {},
        "meta": {},
        "plan": {},
        "tenant": {},
        "tenant_unit": {},
        "activated_on": zone["created_on"],
        "created_on": zone["created_on"],
        "modified_on": zone["created_on"],
    }
