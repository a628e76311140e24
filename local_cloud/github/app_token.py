"""The JSON web token that a GitHub App signs to call as itself, checked as GitHub checks it, in GitHub's words."""

import json
import time
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt import InvalidTokenError, PyJWS

from local_cloud.state import Credentials

MAX_SECONDS = 600

UNDECODABLE = "A JSON web token could not be decoded"


class AppTokenError(Exception):
    """The token is refused; the message is GitHub's."""


class UnknownAppError(AppTokenError):
    """There is no App as the token names."""


def check(token: str, credentials: Credentials) -> None:
    """Raises `AppTokenError`, unless the App of `credentials` has signed the token and it is valid now."""
    _check_issuer(_claims(token, None), credentials)
    claims, now = _claims(token, _public_key(credentials.github_private_key)), time.time()
    expires, issued = claims.get("exp"), claims.get("iat")
    if not _is_number(expires) or expires <= now:
        raise AppTokenError(
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the "
            "assertion expires"
        )
    if expires > now + MAX_SECONDS:
        raise AppTokenError("'Expiration time' claim ('exp') is too far in the future")
    if not _is_number(issued) or issued > now:
        raise AppTokenError(
            "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
        )


def _check_issuer(claims: dict[str, Any], credentials: Credentials) -> None:
    issuer = claims.get("iss")
    if issuer is None:
        raise AppTokenError("Missing 'issuer' claim ('iss') in assertion")
    if str(issuer) in {credentials.github_app_id, credentials.github_client_id}:
        return
    if not str(issuer).isdecimal():
        raise AppTokenError("'Issuer' claim ('iss') must be an Integer")
    raise UnknownAppError("Integration not found")


def _claims(token: str, key: RSAPublicKey | None) -> dict[str, Any]:
    """What the token says; without a key, whoever has signed it."""
    options = {"verify_signature": key is not None}
    try:
        claims = json.loads(PyJWS().decode(token, key or "", algorithms=["RS256"], options=options))
    except (InvalidTokenError, ValueError):
        raise AppTokenError(UNDECODABLE) from None
    if not isinstance(claims, dict):
        raise AppTokenError(UNDECODABLE)
    return claims


@cache
def _public_key(private_pem: str) -> RSAPublicKey:
    key = load_pem_private_key(private_pem.encode(), password=None)
    assert isinstance(key, RSAPrivateKey)  # noqa: S101 - the state directory makes no other
    return key.public_key()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
