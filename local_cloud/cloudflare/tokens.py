"""API tokens beside the one of credentials.json, which may do everything and is not among them."""

import secrets
from typing import Annotated, Any, Literal

from pydantic import Field

from local_cloud.call import Call, Strict
from local_cloud.cloudflare.access import (
    ACCOUNT,
    GROUPS,
    NONE,
    USER,
    ZONE,
    caller,
    resource_names,
    scope_of,
    token_hash,
    token_id,
    user_id,
)
from local_cloud.cloudflare.dialect import Page, new_id, now, page, refusal
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="API Tokens")

TOKENS = "/user/tokens"

Resources = dict[str, Literal["*"] | dict[str, Literal["*"]]]


class GroupReference(Strict):
    id: str


class Policy(Strict):
    """`resources` are this account, its zones, `com.cloudflare.api.account.zone.*` for all zones, and the user."""

    effect: Literal["allow"]
    resources: Annotated[Resources, Field(min_length=1)]
    permission_groups: Annotated[list[GroupReference], Field(min_length=1)]


class NewToken(Strict):
    name: Annotated[str, Field(min_length=1, max_length=120)]
    policies: Annotated[list[Policy], Field(min_length=1)]


@routes.on("GET", f"{TOKENS}/permission_groups")
def list_permission_groups(call: Call) -> list[dict[str, Any]]:
    """Those that a call of the local cloud needs; Cloudflare has some hundred more."""
    return [{"id": group.id, "name": group.name, "scopes": [group.scope]} for group in GROUPS.values()]


@routes.on("GET", f"{TOKENS}/verify", permission=NONE)
@routes.on("GET", "/accounts/{account}/tokens/verify", permission=NONE)
def verify(call: Call) -> dict[str, Any]:
    """The token that asks."""
    return {"id": caller(call)["id"], "status": "active"}


@routes.on("POST", TOKENS)
def create_token(call: Call) -> dict[str, Any]:
    """`value` is shown this once."""
    sent = call.json(NewToken)
    value, at = f"local-cloudflare-{secrets.token_hex(20)}", now()
    token = {
        "id": token_id(value),
        "name": sent.name,
        "status": "active",
        "issued_on": at,
        "modified_on": at,
        "policies": [_checked(call, policy) for policy in sent.policies],
    }
    call.store.put("api_tokens", "", token["id"], {**token, "hash": token_hash(value)})
    return {**token, "value": value}


@routes.on("GET", TOKENS)
def list_tokens(call: Call) -> Page:
    tokens = sorted(call.store.values("api_tokens", ""), key=lambda token: token["issued_on"])
    return page(call, [_shown(token) for token in tokens])


@routes.on("GET", f"{TOKENS}/{{token}}")
def get_token(call: Call) -> dict[str, Any]:
    return _shown(_token(call))


@routes.on("DELETE", f"{TOKENS}/{{token}}")
def delete_token(call: Call) -> dict[str, str]:
    """Refused from then on."""
    token = _token(call)
    call.store.delete("api_tokens", "", token["id"])
    return {"id": token["id"]}


def _checked(call: Call, policy: Policy) -> Document:
    """A policy as it is kept; refused if it names what is not here, or if a group of it applies to no resource."""
    account = f"{ACCOUNT}.{call.cloud.settings.account}"
    zones = {f"{ZONE}.{zone['id']}" for zone in call.store.values("zones", "")}
    known = {account, f"{ZONE}.*", f"{USER}.{user_id(call)}", *zones}
    names = [*resource_names(policy.resources), *(name for name, inner in policy.resources.items() if inner != "*")]
    if unknown := sorted(set(names) - known):
        raise _invalid(f"no such resources: {', '.join(unknown)}")
    scopes = {scope_of(name) for name in resource_names(policy.resources)}
    for group in policy.permission_groups:
        if group.id not in GROUPS:
            raise _invalid(f"no such permission group: {group.id}")
        if GROUPS[group.id].scope not in scopes:
            raise _invalid(f"{GROUPS[group.id].name} needs a resource of {GROUPS[group.id].scope}")
    groups = [{"id": group.id, "name": GROUPS[group.id].name} for group in policy.permission_groups]
    return {"id": new_id(), "effect": policy.effect, "resources": policy.resources, "permission_groups": groups}


def _invalid(wrong: str) -> Exception:
    return refusal(400, 1001, f"Invalid token policy: {wrong}")


def _token(call: Call) -> Document:
    token = call.store.get("api_tokens", "", call["token"])
    if not token:
        raise refusal(404, 1003, "Token not found.")
    return token


def _shown(token: Document) -> dict[str, Any]:
    return {key: value for key, value in token.items() if key != "hash"}
