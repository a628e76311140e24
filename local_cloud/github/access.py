"""Who calls GitHub: the one user, by the token of credentials.json, or an installation of the App, by one of its."""

import hashlib
import hmac
import secrets
from base64 import b64decode
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from local_cloud.call import Call
from local_cloud.cloud import Cloud
from local_cloud.git import NAME
from local_cloud.github.links import account_shown
from local_cloud.github.permissions import permits
from local_cloud.store import Document, Store

SLUG = "local-overskill"
USER_ID = 1_000_000_000
"""Beyond what the store gives to organisations, which are numbered together with users."""

SECONDS = 3600


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Whoever has sent a token: of an installation, `{installation, organization, permissions, repositories}`, or else
    the one of credentials.json, which may do everything. `repositories` are ids, None for all of the organisation.
    """

    token: Document | None = None

    def may(self, permission: str, method: str = "GET") -> bool:
        """Whether the call is allowed in a repository, or an organisation, that the token reaches."""
        return self.token is None or permits(self.token["permissions"], permission, method)

    def reaches(self, repository: Document) -> bool:
        """Whether the token is for the repository, which others can see only if it is public."""
        if self.token is None:
            return True
        selected = self.token["repositories"]
        return self.owns(repository["owner"]) and (selected is None or repository["id"] in selected)

    def sees(self, repository: Document) -> bool:
        return self.reaches(repository) or not repository["private"]

    def owns(self, organization: str) -> bool:
        """Whether the token is for the organisation with that login."""
        return self.token is None or self.token["organization"].lower() == organization.lower()

    def account(self, cloud: Cloud) -> dict[str, Any]:
        return account(cloud, bot=self.bot)

    @property
    def bot(self) -> bool:
        """Whether it is the App's bot that does what is done, not the one user that there is."""
        return self.token is not None


def account(cloud: Cloud, *, bot: bool) -> dict[str, Any]:
    """Whoever has made something, as the API shows them."""
    if bot:
        return account_shown(cloud, f"{SLUG}[bot]", USER_ID + 1, "Bot")
    return account_shown(cloud, NAME, USER_ID, "User")


def issue(
    store: Store, organization: Document, permissions: Mapping[str, str], repositories: Collection[int] | None
) -> tuple[str, str]:
    """A new token of an installation, which the store has only a hash of, and when it expires."""
    value, now = f"local-github-installation-{secrets.token_hex(20)}", datetime.now(UTC)
    for key in [key for key, old in store.items("installation_tokens", "") if _expired(old)]:
        store.delete("installation_tokens", "", key)
    expires = (now + timedelta(seconds=SECONDS)).strftime("%Y-%m-%dT%H:%M:%SZ")
    token = {
        "installation": organization["id"],
        "organization": organization["login"],
        "permissions": dict(permissions),
        "repositories": None if repositories is None else sorted(repositories),
        "expires_at": expires,
    }
    store.put("installation_tokens", "", token_hash(value), token)
    return value, expires


def revoke(call: Call) -> None:
    """The token of the call is refused from then on."""
    for value in _sent(call.headers.get("authorization", "")):
        call.store.delete("installation_tokens", "", token_hash(value))


def identify(cloud: Cloud, authorization: str) -> Caller | None:
    """Whose token the header carries: as such, as the password of any user, or as the user's name."""
    for value in _sent(authorization):
        if hmac.compare_digest(value.encode(), cloud.credentials.github_token.encode()):
            return Caller()
        token = cloud.store.get("installation_tokens", "", token_hash(value))
        if token and not _expired(token):
            return Caller(token=token)
    return None


def caller(call: Call) -> Caller:
    """Who has made a call that was admitted."""
    found = identify(call.cloud, call.headers.get("authorization", ""))
    assert found is not None  # noqa: S101
    return found


def token_hash(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def _sent(authorization: str) -> Iterator[str]:
    scheme, _, sent = authorization.partition(" ")
    match scheme.lower():
        case "bearer" | "token":
            yield sent
        case "basic":
            try:
                yield from b64decode(sent, validate=True).decode().split(":", 1)
            except ValueError:
                return


def _expired(token: Document) -> bool:
    return datetime.fromisoformat(token["expires_at"]) <= datetime.now(UTC)
