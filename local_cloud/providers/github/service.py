"""GitHub's API as one owner sees it."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_cloud.providers.client import Answer, Client
from local_cloud.providers.errors import ApiError, NotFound, ProviderError
from local_cloud.providers.resource import State
from local_cloud.providers.schema import matching

SECRET_NAME = matching(
    r"(?!(?i:GITHUB_))[a-zA-Z_][a-zA-Z0-9_]*",
    "Names of secrets and variables hold letters, digits and underscores, start with no digit and not with GITHUB_",
)


@dataclass(frozen=True, kw_only=True)
class Owner:
    """The provider's configured owner, an organisation or a user."""

    name: str
    is_organization: bool
    client: Client

    def call(self, method: str, repository: str, path: str = "", body: Any = None) -> Answer:
        """Call `path` below one of the owner's repositories."""
        return self.client.call(method, f"/repos/{self.name}/{repository}{path}", body)

    def call_organization(
        self, method: str, path: str, body: Any = None, parameters: Mapping[str, str] | None = None
    ) -> Answer:
        """Call `path` below the owner's own. Raises `ProviderError` where the owner is a user."""
        if not self.is_organization:
            raise ProviderError(
                f"this resource can only be used in the context of an organization, {self.name!r} is a user"
            )
        return self.client.call(method, f"/orgs/{self.name}{path}", body, parameters)

    def repository_id(self, repository: str) -> int:
        return self.call("GET", repository).body["id"]

    def is_another_repository(self, repository: Any, repository_id: int | None) -> bool:
        """Whether what is called `repository` is not the one with `repository_id`, which may have been renamed to it.

        As diffRepository in terraform-provider-github (github/util_diff.go): a name that leads nowhere yet is a rename.
        """
        if repository_id is None or not isinstance(repository, str):
            return True
        try:
            return self.repository_id(repository) != repository_id
        except NotFound:
            return False


def user_of_token(client: Client) -> Owner:
    """Where no owner is configured, the official plugin takes the token's."""
    try:
        name = client.call("GET", "/user").body["login"]
    except ApiError as error:
        raise ProviderError(
            f"no owner is configured, and the token's cannot be found out ({error}): "
            "set GITHUB_OWNER, or `pulumi config set github:owner`"
        ) from None
    return Owner(name=name, is_organization=False, client=client)


def organization_or_user(name: str, client: Client) -> Owner:
    """What the official plugin asks once, when it is configured: is `name` an organisation?"""
    try:
        client.call("GET", f"/orgs/{name}")
    except NotFound:
        return Owner(name=name, is_organization=False, client=client)
    return Owner(name=name, is_organization=True, client=client)


def named(inputs: Mapping[str, Any], previous: Mapping[str, Any], logical_name: str, seed: bytes) -> State:
    """`inputs` whose `name`, where none is given, is the logical one and 7 random digits, as pulumi-github names it."""
    if inputs.get("name") is not None:
        return dict(inputs)
    digits = hashlib.sha256(seed).hexdigest() if seed else secrets.token_hex(4)
    return {**inputs, "name": previous.get("name") or f"{logical_name}-{digits[:7]}"}


def go_time(timestamp: str | None) -> str | None:
    """`2026-11-23T00:00:00Z` as Go prints it and the official plugin keeps it: `2026-11-23 00:00:00 +0000 UTC`."""
    return timestamp and re.sub(r"T(.*)Z$", r" \1 +0000 UTC", timestamp)


def two_parts(id: str, first: str, second: str, separator: str = ":") -> tuple[str, str]:
    """The parts of an import's id. Raises `ProviderError` naming the format."""
    before, found, after = id.partition(separator)
    if not (before and found and after):
        raise ProviderError(f"invalid ID {id!r}: expected <{first}>{separator}<{second}>")
    return before, after
