"""Custom hostnames of a zone: customers' own hosts, whose requests go where the fallback origin does.

Nobody is asked whether a host points here or is its owner's, and no certificate is issued: all is active as soon as it
is made. The records that would tell Cloudflare whose a host is are shown all the same.
"""

import re
import uuid
from typing import Annotated, Any, Literal

from pydantic import Field

from local_cloud.call import Answer, Call, Strict
from local_cloud.cloudflare.dialect import Accepted, Page, new_id, now, page, refusal
from local_cloud.routing import RouteTable
from local_cloud.settings import DOMAIN_NAME
from local_cloud.store import Document

routes = RouteTable(permission="SSL and Certificates")

HOSTNAMES = "/zones/{zone}/custom_hostnames"
HOSTNAME = f"{HOSTNAMES}/{{hostname}}"

RESERVED = frozenset({"example", "invalid", "test"})
"""Top-level domains that no customer has. Cloudflare refuses `localhost` too; here, its hosts are those that a browser
finds."""

Switch = Literal["on", "off"]


class SslSettings(Strict):
    ciphers: list[str] | None = None
    early_hints: Switch | None = None
    http2: Switch | None = None
    min_tls_version: Literal["1.0", "1.1", "1.2", "1.3"] | None = None
    tls_1_3: Switch | None = None


class Ssl(Strict):
    method: Literal["http", "txt", "email"]
    type: Literal["dv"]
    bundle_method: Literal["ubiquitous", "optimal", "force"] = "ubiquitous"
    certificate_authority: Literal["google", "lets_encrypt", "ssl_com"] = "google"
    settings: SslSettings = SslSettings()
    wildcard: bool = False


class Change(Strict):
    """What is not sent stays. A custom origin is known, and refused: there are no origins here."""

    ssl: Ssl | None = None
    custom_metadata: dict[str, str] | None = None
    custom_origin_server: str | None = None
    custom_origin_sni: str | None = None


class CustomHostname(Change):
    hostname: Annotated[str, Field(max_length=255)]


NAMED = {
    "hostname": str.__eq__,
    "hostname.exact": str.__eq__,
    "hostname.contain": str.__contains__,
    "hostname.startsWith": str.startswith,
}
"""The filters of a list by what a hostname is or has in it."""


@routes.on("POST", HOSTNAMES)
def create_hostname(call: Call) -> Accepted:
    sent = call.json(CustomHostname)
    name = sent.hostname.lower()
    _refuse_wrong(name)
    if any(known["hostname"] == name for known in call.store.values("custom_hostnames", call["zone"])):
        raise refusal(409, 1406, "Duplicate custom hostname found.")
    made = {"id": new_id(), "hostname": name, "status": "active", "created_at": now(), **_ownership(name)}
    return Accepted(status=201, result=_put(call, made, sent))


@routes.on("GET", HOSTNAMES)
def list_hostnames(call: Call) -> Page:
    """`id` filters, or any of `NAMED`."""
    wanted = call.filters("id", *NAMED, "page", "per_page")
    if "id" in wanted and NAMED.keys() & wanted.keys():
        raise refusal(
            400, 1438, "Cannot specify other filter parameters in addition to id. Only one must be specified."
        )
    found = [
        known
        for known in call.store.values("custom_hostnames", call["zone"])
        if wanted.get("id", known["id"]) == known["id"]
        and all(fits(known["hostname"], wanted[name]) for name, fits in NAMED.items() if name in wanted)
    ]
    return page(call, found)


@routes.on("GET", HOSTNAME)
def get_hostname(call: Call) -> Document:
    known = call.store.get("custom_hostnames", call["zone"], call["hostname"])
    if not known:
        raise refusal(404, 1436, "The custom hostname was not found.")
    return known


@routes.on("PATCH", HOSTNAME)
def change_hostname(call: Call) -> Accepted:
    return Accepted(status=202, result=_put(call, get_hostname(call), call.json(Change)))


@routes.on("DELETE", HOSTNAME)
def delete_hostname(call: Call) -> Answer:
    """Alone among deletions it is answered without an envelope."""
    known = get_hostname(call)
    call.store.delete("custom_hostnames", call["zone"], known["id"])
    return Answer(body={"id": known["id"]})


def _put(call: Call, known: Document, sent: Change) -> Document:
    """Keep a hostname with what was sent of it."""
    if sent.custom_origin_server or sent.custom_origin_sni:
        raise refusal(403, 1414, "Access to setting a custom origin server has not been granted for this zone.")
    changed = sent.model_dump(include={"custom_metadata"}, exclude_none=True)
    if sent.ssl:
        changed["ssl"] = _certificate(known, sent.ssl)
    kept = {**known, **changed}
    call.store.put("custom_hostnames", call["zone"], kept["id"], kept)
    return kept


def _ownership(name: str) -> dict[str, Any]:
    token = str(uuid.uuid4())
    challenge = f"http://{name}/.well-known/cf-custom-hostname-challenge/{token}"
    return {
        "ownership_verification": {"type": "txt", "name": f"_cf-custom-hostname.{name}", "value": token},
        "ownership_verification_http": {"http_url": challenge, "http_body": token},
    }


def _certificate(known: Document, ssl: Ssl) -> dict[str, Any]:
    name = known["hostname"]
    return {
        "id": known["ssl"]["id"] if "ssl" in known else new_id(),
        "status": "active",
        "hosts": [name, f"*.{name}"] if ssl.wildcard else [name],
        **ssl.model_dump(exclude_none=True),
        "validation_records": [],
        "validation_errors": [],
    }


def _refuse_wrong(name: str) -> None:
    if not name.isascii():
        raise refusal(400, 1408, "Custom hostnames with non-ASCII characters are not supported.")
    if not re.fullmatch(DOMAIN_NAME, name) or name.rpartition(".")[2].isdecimal():
        raise refusal(
            400,
            1407,
            "Invalid custom hostname. Custom hostnames have to be smaller than 256 characters in length, cannot be IP "
            "addresses, cannot contain any special characters.",
        )
    if name.rpartition(".")[2] in RESERVED:
        raise refusal(400, 1409, "Reserved top domain custom hostnames, such as 'test', are not supported.")
    if re.search(r"(^|\.)example\.(com|net|org)$", name):
        raise refusal(400, 1411, "Custom hostnames ending in example.com, example.net, or example.org are prohibited.")
