"""DNS records, under the rules that Cloudflare's zones have for them."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_network
from typing import Annotated, Any, Literal

from pydantic import Field

from local_cloud.call import Call, Strict
from local_cloud.cloudflare.dialect import Page, new_id, now, page, refusal
from local_cloud.cloudflare.zones import contains, zone_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="DNS")

RECORDS = "/zones/{zone}/dns_records"
AUTOMATIC_TTL = 1
PROXIABLE = frozenset({"A", "AAAA", "CNAME"})

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOSTNAME = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")
_NEVER_PROXIED = [ip_network(text) for text in ("0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "172.16.0.0/12")] + [
    ip_network(text) for text in ("169.254.0.0/16", "192.168.0.0/16", "::1/128", "fe80::/10")
]


class RecordSettings(Strict):
    flatten_cname: bool | None = None
    ipv4_only: bool | None = None
    ipv6_only: bool | None = None


class Record(Strict):
    type: Literal["A", "AAAA", "CNAME", "TXT", "MX"]
    name: str
    content: str
    ttl: int = AUTOMATIC_TTL
    proxied: bool = False
    priority: Annotated[int, Field(ge=0, le=65535)] | None = None
    comment: Annotated[str, Field(max_length=500)] | None = None
    tags: list[str] = Field(default_factory=list)
    settings: RecordSettings = RecordSettings()


@routes.on("POST", RECORDS)
def create_record(call: Call) -> dict[str, Any]:
    fields = _checked(call, own_id=None)
    at = now()
    record = {**fields, "meta": {}, "created_on": at, "modified_on": at, "id": new_id()}
    call.store.put("dns_records", call["zone"], record["id"], record)
    return record


@routes.on("GET", RECORDS)
def list_records(call: Call) -> Page:
    """Filters: `name`, `type`, `content`, each to the letter; sorted by name and type."""
    filters = call.filters("name", "name.exact", "type", "content", "content.exact", "page", "per_page")
    wanted = {key.removesuffix(".exact"): value for key, value in filters.items() if "page" not in key}
    records = [record for record in call.store.values("dns_records", call["zone"]) if wanted.items() <= record.items()]
    return page(call, sorted(records, key=lambda record: (record["name"], record["type"])))


@routes.on("GET", f"{RECORDS}/{{record}}")
def get_record(call: Call) -> dict[str, Any]:
    record = call.store.get("dns_records", call["zone"], call["record"])
    if not record:
        raise refusal(404, 81044, "Record does not exist.")
    return record


@routes.on("PUT", f"{RECORDS}/{{record}}")
def put_record(call: Call) -> dict[str, Any]:
    record = {**get_record(call), **_checked(call, own_id=call["record"]), "modified_on": now()}
    call.store.put("dns_records", call["zone"], record["id"], record)
    return record


@routes.on("DELETE", f"{RECORDS}/{{record}}")
def delete_record(call: Call) -> dict[str, str]:
    record = get_record(call)
    call.store.delete("dns_records", call["zone"], record["id"])
    return {"id": record["id"]}


def _checked(call: Call, own_id: str | None) -> Document:
    """The record that was sent, as it is kept. `own_id` is that of the record which it replaces."""
    if call.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise refusal(400, 9207, "Content-type must be application/json.")
    sent, zone = call.json(Record), zone_of(call)
    name = sent.name.lower().rstrip(".")
    if not contains(zone, name):
        # As Cloudflare does: a name outside the zone is one inside, written short.
        name = zone["name"] if name == "@" else f"{name}.{zone['name']}"
    _refuse_wrong(sent, name)
    others = [record for record in call.store.values("dns_records", zone["id"]) if record["id"] != own_id]
    _refuse_conflict(sent, name, [record for record in others if record["name"] == name])
    return {
        "proxied": sent.proxied,
        "proxiable": sent.type in PROXIABLE,
        "ttl": AUTOMATIC_TTL if sent.proxied else sent.ttl,
        "settings": sent.settings.model_dump(exclude_none=True),
        "comment": sent.comment,
        "tags": sent.tags,
        "content": sent.content,
        "name": name,
        "type": sent.type,
        **({"priority": sent.priority} if sent.priority is not None else {}),
    }


def _refuse_wrong(sent: Record, name: str) -> None:
    if len(name) > 253 or not _HOSTNAME.fullmatch(name):
        raise refusal(400, 9000, f"DNS name is invalid: {name!r}")
    if sent.ttl != AUTOMATIC_TTL and not 60 <= sent.ttl <= 86400:
        raise refusal(400, 9021, "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.")
    if sent.proxied and sent.type not in PROXIABLE:
        raise refusal(400, 9004, "This record type cannot be proxied.")
    if (sent.type == "MX") != (sent.priority is not None):
        raise refusal(400, 9101, "priority is a required field of MX records, and of no other.")
    match sent.type:
        case "A" | "AAAA":
            _refuse_address(sent)
        case "CNAME" | "MX" if not _HOSTNAME.fullmatch(sent.content.lower().rstrip(".")):
            raise refusal(400, 9007, f"Content for {sent.type} record is invalid. Must be a valid hostname.")
        case "CNAME" if sent.content.lower().rstrip(".") == name:
            raise refusal(400, 9039, "CNAME record cannot reference itself.")
        case "TXT" if not sent.content:
            raise refusal(400, 9035, "Content for TXT record must not be empty.")


def _refuse_address(sent: Record) -> None:
    try:
        address = IPv4Address(sent.content) if sent.type == "A" else IPv6Address(sent.content)
    except AddressValueError:
        code, version = (9005, "IPv4") if sent.type == "A" else (9006, "IPv6")
        message = f"Content for {sent.type} record must be a valid {version} address."
        raise refusal(400, code, message) from None
    if sent.proxied and any(address in network for network in _NEVER_PROXIED):
        raise refusal(400, 9003, f"Target {address} is not allowed for a proxied record.")


def _refuse_conflict(sent: Record, name: str, same_name: list[Document]) -> None:
    types = {record["type"] for record in same_name}
    if any(record["type"] == sent.type and record["content"] == sent.content for record in same_name):
        raise refusal(400, 81058, f"An identical record already exists: {sent.type} {name}.")
    if sent.type == "CNAME" and types & PROXIABLE:
        raise refusal(400, 81053, "An A, AAAA, or CNAME record with that host already exists.")
    if "CNAME" in types and sent.type in PROXIABLE:
        raise refusal(400, 81054, "A CNAME record with that host already exists.")
