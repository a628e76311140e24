"""Who makes a call and what they may do: a token, its policies, and the permission groups that a call needs one of.

A token's id begins the SHA-256 of its value. Of the value itself, the store has nothing but that hash.
"""

import hashlib
import hmac
from collections.abc import Iterator, Set
from dataclasses import dataclass

from local_cloud.call import Call
from local_cloud.store import Document

ACCOUNT = "com.cloudflare.api.account"
ZONE = "com.cloudflare.api.account.zone"
USER = "com.cloudflare.api.user"

EMAIL = "local-cloud@localhost"
"""Of the one user that there is."""

NONE = "none"
"""The permission of a route that every token may call."""

SESSION = "session"
"""The permission of a route that takes a token of its own, which an earlier call has given out."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """Two permission groups, by their ids at Cloudflare. Without `write`, `read` is enough for every call."""

    scope: str
    read: str
    write: str | None = None
    unauthorized: bool = False
    """Whether a call without it is answered as one for a zone that the token does not reach."""

    def enough(self, method: str) -> frozenset[str]:
        """The groups of which a call needs one. To write includes to read."""
        if self.write is None:
            return frozenset({self.read})
        return frozenset({self.read, self.write} if method == "GET" else {self.write})


FAMILIES = {
    "Workers Scripts": Family(
        scope=ACCOUNT, read="1a71c399035b4950a1bd1466bbe4f420", write="e086da7e2179491d91ee5f35b3ca210a"
    ),
    "Workers KV Storage": Family(
        scope=ACCOUNT, read="8b47d2786a534c08a1f94ee8f9f599ef", write="f7f0eda5697f475c90846e879bab8666"
    ),
    "D1": Family(scope=ACCOUNT, read="192192df92ee43ac90f2aeeffce67e35", write="09b2857d1c31407795e75e3fed8617a1"),
    "Workers R2 Storage": Family(
        scope=ACCOUNT, read="b4992e1108244f5d8bfbd5744320c2e1", write="bf7481a1826f439697cb59a20b22293e"
    ),
    "Account Analytics": Family(scope=ACCOUNT, read="b89a480218d04ceb98b4fe57ca29dc1f"),
    "Zone": Family(scope=ZONE, read="c8fed203ed3043cba015a93ad1616f1f", write="e6d2666161e84845a636613608cee8d5"),
    "DNS": Family(scope=ZONE, read="82e64a83756745bbbb1c9c2701bf816b", write="4755a26eedb94da69e1066d98aa820be"),
    "Workers Routes": Family(
        scope=ZONE, read="2072033d694d415a936eaeb94e6405b8", write="28f4b596e7d643029c524985477ae49a"
    ),
    "SSL and Certificates": Family(
        scope=ZONE, read="7b7216b327b04b8fbc8f524e1f9b7531", write="c03055bc037c4ea9afb9a9f104b7b721"
    ),
    "Account Settings": Family(
        scope=ACCOUNT, read="c1fde68c7bcc44588cbb6ddbc16d6480", write="1af1fa2adc104452b74a9a3364202f20"
    ),
    "API Tokens": Family(scope=USER, read="0cc3a61731504c89b99ec1be78b77aa0", write="686d18d5ac6c441c867cbf6771e58a0a"),
    "Memberships": Family(
        scope=USER, read="3518d0f75557482e952c6762d3e64903", write="9201bc6f42d440968aaab0c6f17ebb1d"
    ),
    "User Details": Family(
        scope=USER, read="8acbe5bb0d54464ab867149d7f7cf8ac", write="55a5e17cc99e4a3fa1f3432d262f2e55", unauthorized=True
    ),
}
"""By the permission that a route names."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """A permission group as it is listed."""

    id: str
    name: str
    scope: str


GROUPS = {
    group: Group(id=group, name=f"{name} {access}", scope=family.scope)
    for name, family in FAMILIES.items()
    for access, group in (("Read", family.read), ("Write", family.write))
    if group
}


def token_id(value: str) -> str:
    return token_hash(value)[:32]


def token_hash(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def user_id(call: Call) -> str:
    """Who makes a call, whatever the token: the one user that there is, 32 hexadecimal digits."""
    return hashlib.sha256(call.cloud.settings.account.encode()).hexdigest()[:32]


def token_of(call: Call) -> Document | None:
    """The token that a call is made with, `{id, policies, ...}`; None if nobody has such a token."""
    scheme, _, value = call.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer":
        return None
    if hmac.compare_digest(value.encode(), call.cloud.credentials.cloudflare_token.encode()):
        return {"id": token_id(value), "policies": [_everything(call)]}
    found = call.store.get("api_tokens", "", token_id(value))
    return found if found and hmac.compare_digest(found["hash"], token_hash(value)) else None


def caller(call: Call) -> Document:
    """The token of a call that the dialect has admitted."""
    token = token_of(call)
    assert token is not None  # noqa: S101
    return token


def reach(token: Document, groups: Set[str], scope: str) -> frozenset[str]:
    """The resources of `scope` to which the token may do what one of `groups` allows."""
    return frozenset(
        name
        for policy in token["policies"]
        if groups & {group["id"] for group in policy["permission_groups"]}
        for name in resource_names(policy["resources"])
        if scope_of(name) == scope
    )


def reaches_zone(resources: Set[str], zone: str) -> bool:
    """Whether a zone's id, or `*` for every zone that there may ever be, is among the resources."""
    return not resources.isdisjoint({f"{ZONE}.{zone}", f"{ZONE}.*"})


def resource_names(resources: Document) -> Iterator[str]:
    """`{NAME: "*"}` names a resource, `{OUTER: {NAME: "*"}}` one that belongs to another."""
    for name, value in resources.items():
        yield from [name] if value == "*" else value


def scope_of(resource: str) -> str:
    return resource.rpartition(".")[0]


def _everything(call: Call) -> Document:
    resources = (f"{ACCOUNT}.{call.cloud.settings.account}", f"{ZONE}.*", f"{USER}.{user_id(call)}")
    return {"resources": dict.fromkeys(resources, "*"), "permission_groups": [{"id": group} for group in GROUPS]}
