"""Cloudflare: the token and each permission that the stack will use, the account, the zone.

Whether a token may write can't be read. It is found out by a write that asks for nothing (`Api.refused_post`):
Cloudflare looks at the token before it looks at the body, so that the call is refused either way, and how tells.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from infra.config import StackConfig
from overskill.doctor.api import Answer, Api
from overskill.doctor.findings import Finding, error, ok, unchecked, warning

TOKENS_PAGE = "https://dash.cloudflare.com/profile/api-tokens"
FORBIDDEN, UNAUTHORIZED = 403, 401
REFUSED_FOR_THE_BODY = (400, 409, 415, 422)


@dataclass(frozen=True, kw_only=True)
class Permission:
    """A permission group of Cloudflare's, and the call that shows whether a token has it."""

    name: str
    scope: Literal["account", "zone"]
    path: str
    write: bool = True


SCRIPTS = Permission(name="Workers Scripts Write", scope="account", path="/workers/workers")
ACCOUNT_PERMISSIONS = (
    SCRIPTS,
    Permission(name="Workers KV Storage Write", scope="account", path="/storage/kv/namespaces"),
    Permission(
        name="Account Analytics Read",
        scope="account",
        path="/analytics_engine/sql?query=SHOW%20TABLES",
        write=False,
    ),
)
ZONE_PERMISSIONS = (
    Permission(name="DNS Write", scope="zone", path="/dns_records"),
    Permission(name="Workers Routes Write", scope="zone", path="/workers/routes"),
)
SSL = Permission(name="SSL and Certificates Write", scope="zone", path="/ssl/certificate_packs/order")


def check(api: Api, config: StackConfig) -> Iterator[Finding]:
    account = f"/accounts/{config.overskill.account_id}"
    token = _token(api, account)
    yield token
    if token.level != "ok":
        yield unchecked("Cloudflare account and zone", "need a token")
        return
    permissions = {permission: _permission(api, permission, account) for permission in ACCOUNT_PERMISSIONS}
    yield from permissions.values()
    if permissions[SCRIPTS].level == "ok":
        yield _subdomain(api.get(f"{account}/workers/subdomain"), config)
        yield from _namespaces(api.get(f"{account}/workers/dispatch/namespaces", per_page="100"), config)
    else:
        yield unchecked("workers.dev subdomain, plan", f"need permission {SCRIPTS.name}")
    yield from _zone(api, config)


def _token(api: Api, account: str) -> Finding:
    """A token is a user's, or the account's own: each is verified at another place."""
    check, remedy = "Cloudflare token", f"make one at {TOKENS_PAGE}, and export CLOUDFLARE_API_TOKEN"
    if not api.token:
        return error(check, "CLOUDFLARE_API_TOKEN is not set", remedy)
    verified = api.get("/user/tokens/verify")
    if verified.status == UNAUTHORIZED:
        verified = api.get(f"{account}/tokens/verify")
    if verified.status == 0:
        return error(check, verified.message, "mend the network, or cloudflare:baseUrl")
    state = verified.body["result"]["status"] if verified.ok else verified.message
    return ok(check, state) if state == "active" else error(check, f"not usable: {state}", remedy)


def _permission(api: Api, permission: Permission, root: str) -> Finding:
    check = f"permission {permission.name}"
    path = root + permission.path
    answer = api.refused_post(path) if permission.write else api.get(path)
    if answer.status in (UNAUTHORIZED, FORBIDDEN):
        return error(
            check,
            f"the token has not got it ({answer.message})",
            f"add {permission.scope} permission {permission.name} to the token at {TOKENS_PAGE}",
        )
    if answer.ok or answer.status in REFUSED_FOR_THE_BODY:
        return ok(check, "the token has it")
    return warning(check, f"cannot be told: HTTP {answer.status}: {answer.message}", "run this again")


def _subdomain(answer: Answer, config: StackConfig) -> Finding:
    check, wanted = "workers.dev subdomain", config.overskill.workers_dev_subdomain
    if not answer.ok:
        remedy = "choose one in the dashboard: Workers & Pages, Your subdomain"
        return error(check, f"the account has none ({answer.message})", remedy)
    if (found := answer.body["result"]["subdomain"]) != wanted:
        remedy = f"set overskill:workersDevSubdomain: {found}"
        return error(check, f"the account's is {found}, the stack says {wanted}", remedy)
    return ok(check, f"{found}.workers.dev")


def _namespaces(answer: Answer, config: StackConfig) -> Iterator[Finding]:
    """Asked with a token that may write scripts: a refusal is the plan's."""
    platform, check = config.overskill, "Workers for Platforms"
    if not answer.ok:
        remedy = "subscribe in the dashboard: Workers for Platforms"
        yield error(check, f"the account's plan has no dispatch namespaces ({answer.message})", remedy)
        return
    yield ok(check, "the account's plan has it")
    existing = {one["namespace_name"]: one["script_count"] for one in answer.body["result"]}
    ours = platform.namespaces.values()
    found = [f"{name} (scripts: {existing[name]})" for name in ours if name in existing]
    missing = [name for name in ours if name not in existing]
    told = ", ".join([*found, *(f"{name} (to be made)" for name in missing)])
    if missing and "namespaces" in platform.adopt:
        remedy = "take namespaces out of overskill:adopt: what does not exist cannot be adopted"
        yield error("dispatch namespaces", told, remedy)
    else:
        yield ok("dispatch namespaces", told)


def _zone(api: Api, config: StackConfig) -> Iterator[Finding]:
    platform = config.overskill
    listed = api.get("/zones", name=platform.zone_name)
    zones: list[dict[str, Any]] = listed.body["result"] if listed.ok else []
    if listed.status == FORBIDDEN:
        yield error(
            "permission Zone Read",
            f"the token has not got it ({listed.message})",
            f"add zone permission Zone Read to the token at {TOKENS_PAGE}",
        )
    elif not zones:
        yield error(
            f"zone {platform.zone_name}",
            f"the token sees no such zone{f' ({listed.message})' if listed.message and not listed.ok else ''}",
            "add the domain in the dashboard, or the zone to the token's resources, or mend overskill:zone",
        )
    if not zones:
        yield unchecked(f"permissions in zone {platform.zone_name}", "need the zone")
        return
    yield ok("permission Zone Read", "the token has it")
    yield from _set_up(zones[0], config)
    ssl = [SSL] if platform.certificate.kind == "advanced" or platform.custom_hostnames else []
    for permission in (*ZONE_PERMISSIONS, *ssl):
        yield _permission(api, permission, f"/zones/{zones[0]['id']}")


def _set_up(zone: dict[str, Any], config: StackConfig) -> Iterator[Finding]:
    platform, check = config.overskill, f"zone {zone['name']}"
    if zone["account"]["id"] != platform.account_id:
        yield error(
            check, f"it belongs to account {zone['account']['id']}", "mend overskill:accountId or overskill:zone"
        )
    elif zone["status"] != "active":
        yield error(
            check, f"it is {zone['status']}, not active", f"set the registrar's name servers: {zone['name_servers']}"
        )
    elif zone["type"] != "full" and platform.certificate.kind == "universal":
        yield error(
            check,
            f"its setup is {zone['type']}: Cloudflare brings no wildcard certificate for such a zone",
            "set overskill:certificate.kind: advanced",
        )
    elif zone["paused"]:
        yield warning(check, "it is paused: no request reaches a Worker", "unpause it in the dashboard")
    else:
        yield ok(check, f"active, setup {zone['type']}")
