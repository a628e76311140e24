"""Who may call: tokens with scopes. Each route says which it asks for, or that it is open; a test walks all routes."""

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass
from typing import Annotated, Literal

import sqlalchemy as sa
from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.orm import Session

from control_plane.rate_limits import RateLimit
from control_plane.state import GivenPlane
from control_plane.tables import AccessToken

Scope = Literal[
    "apps:read",
    "apps:write",
    "deployments:read",
    "deployments:write",
    "events:read",
    "audit:read",
    "metrics:read",
    "usage:read",
]


@dataclass(frozen=True)
class Caller:
    """Who calls, as the audit has it (`token:builder`), and from where (an IP address)."""

    actor: str
    origin: str | None
    scopes: frozenset[str]


def issue(session: Session, name: str, scopes: list[Scope], expires_at: dt.datetime | None = None) -> str:
    """Make a token; it is told this once, and only its hash is kept."""
    token = f"osk_{secrets.token_urlsafe(32)}"
    session.add(
        AccessToken(
            name=name,
            hash=fingerprint(token),
            scopes=list(scopes),
            created_at=dt.datetime.now(dt.UTC),
            expires_at=expires_at,
        )
    )
    return token


def caller(
    request: Request,
    plane: GivenPlane,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))],
) -> Caller:
    """Raises 401 for no token, or none that holds, and 429 for one that calls too often."""
    token = None
    if given is not None:
        with plane.database.reading() as session:
            token = session.scalar(sa.select(AccessToken).where(AccessToken.hash == fingerprint(given.credentials)))
    now = dt.datetime.now(dt.UTC)
    if token is None or token.revoked_at or (token.expires_at and token.expires_at <= now):
        raise HTTPException(401, "a token of the control plane is needed", {"WWW-Authenticate": "Bearer"})
    limit: RateLimit = request.app.state.calls_of_tokens
    limit.take(token.name)
    return Caller(f"token:{token.name}", request.client and request.client.host, frozenset(token.scopes))


def requires(scope: Scope) -> Caller:
    """The caller of a route, who has to have `scope`: `caller: Annotated[Caller, requires("apps:read")]`."""

    def allowed(caller: Annotated[Caller, Depends(caller)]) -> Caller:
        if scope not in caller.scopes:
            raise HTTPException(403, f"the token has no scope {scope}")
        return caller

    return Depends(allowed)


def fingerprint(token: str) -> str:
    """What is kept of a token, a cookie or a link's key: each is random enough that a slow hash would add nothing."""
    return hashlib.sha256(token.encode()).hexdigest()
