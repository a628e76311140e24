"""Who calls GitHub: the one user, by the token of credentials.json, or an installation of the App, by one of its."""

import hashlib
import hmac
import secrets
from base64 import b64decode
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from local_cloud.call import Call
from local_cloud.cloud import Cloud
from local_cloud.github.accounts import ACTIONS, APP, USER
from local_cloud.github.permissions import permits
from local_cloud.store import Document, Store

SECONDS = 3600


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Whoever has sent a token: of an installation, `{by, run, installation, organization, permissions, repositories}`,
    or else the one of credentials.json, which may do everything. `repositories` are ids, None for all of the
    organisation."""

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

    @property
    def login(self) -> str:
        """Whose work it is that is done with the token."""
        return self.token["by"] if self.token else USER


def issue(
    store: Store,
    organization: Document,
    permissions: Mapping[str, str],
    repositories: Collection[int] | None,
    run: str | None = None,
) -> tuple[str, str]:
    """A new token of an installation, which the store has only a hash of, and when it expires. It is the App's, or that
    of a run of Actions, by its guid."""
    value, now = f"local-github-installation-{secrets.token_hex(20)}", datetime.now(UTC)
    for key in [key for key, old in store.items("installation_tokens", "") if _expired(old)]:
        store.delete("installation_tokens", "", key)
    expires = (now + timedelta(seconds=SECONDS)).strftime("%Y-%m-%dT%H:%M:%SZ")
    token = {
        "by": ACTIONS if run else APP,
        "run": run,
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


def revoke_of_run(store: Store, guid: str) -> None:
    """Whatever token a run of Actions was given."""
    for key in [key for key, token in store.items("installation_tokens", "") if token["run"] == guid]:
        store.delete("installation_tokens", "", key)


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
