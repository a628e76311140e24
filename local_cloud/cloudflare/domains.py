"""Custom domains: host names that belong to one Worker as a whole."""

import uuid
from typing import Any, Literal

from local_cloud.call import Call
from local_cloud.cloudflare.account_workers import worker_named
from local_cloud.cloudflare.dialect import new_id, refusal
from local_cloud.cloudflare.dns_records import PROXIABLE
from local_cloud.cloudflare.zones import ZoneReference, contains
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="Workers Scripts")

DOMAINS = "/accounts/{account}/workers/domains"


class CustomDomain(ZoneReference):
    """The zone is the one that holds `hostname`."""

    hostname: str
    service: str
    environment: Literal["production"] = "production"


@routes.on("PUT", DOMAINS)
def put_domain(call: Call) -> dict[str, Any]:
    """Attach a host name to a Worker; one that is attached already moves."""
    sent = call.json(CustomDomain)
    worker_named(call, sent.service)
    zone = _zone(call, sent)
    taken = {record["name"] for record in call.store.values("dns_records", zone["id"]) if record["type"] in PROXIABLE}
    if sent.hostname in taken:
        raise refusal(
            409, 100117, f"Hostname {sent.hostname!r} already has externally managed DNS records (A, CNAME, etc)."
        )
    known = [domain for domain in list_domains(call) if domain["hostname"] == sent.hostname]
    identity = {key: known[0][key] for key in ("id", "cert_id")} if known else {}
    domain = {
        "id": new_id(),
        "cert_id": str(uuid.uuid4()),
        **identity,
        "environment": sent.environment,
        "zone_id": zone["id"],
        "zone_name": zone["name"],
        "hostname": sent.hostname,
        "service": sent.service,
    }
    call.store.put("domains", "", domain["id"], domain)
    return domain


@routes.on("GET", DOMAINS)
def list_domains(call: Call) -> list[dict[str, Any]]:
    return sorted(call.store.values("domains", ""), key=lambda domain: domain["hostname"])


@routes.on("GET", f"{DOMAINS}/{{domain}}")
def get_domain(call: Call) -> dict[str, Any]:
    domain = call.store.get("domains", "", call["domain"])
    if not domain:
        raise refusal(404, 100114, f"workers.api.error.domain_not_found: {call['domain']}")
    return domain


@routes.on("DELETE", f"{DOMAINS}/{{domain}}")
def delete_domain(call: Call) -> dict[str, str]:
    domain = get_domain(call)
    call.store.delete("domains", "", domain["id"])
    return {"id": domain["id"]}


def _zone(call: Call, sent: CustomDomain) -> Document:
    """The account's zone that was named and holds the host name."""
    for zone in sent.candidates(call):
        if contains(zone, sent.hostname):
            return zone
    raise refusal(400, 100113, f"No zone of this account that was named holds {sent.hostname!r}.")
