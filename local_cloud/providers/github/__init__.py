"""The package `github`."""

import os
from collections.abc import Mapping
from typing import Any

from local_cloud.providers.client import Client, Pace, Retries
from local_cloud.providers.errors import ProviderError
from local_cloud.providers.github.actions import ActionsSecret, ActionsVariable
from local_cloud.providers.github.environment import RepositoryEnvironment
from local_cloud.providers.github.oidc_subject import ActionsRepositoryOidcTemplate
from local_cloud.providers.github.organization import ActionsOrganizationOidcTemplate, ActionsOrganizationPermissions
from local_cloud.providers.github.repository import Repository
from local_cloud.providers.github.repository_function import GET_REPOSITORY
from local_cloud.providers.github.ruleset import RepositoryRuleset
from local_cloud.providers.github.service import Owner, organization_or_user, user_of_token
from local_cloud.providers.github.webhook import RepositoryWebhook
from local_cloud.providers.resource import Package, State
from local_cloud.providers.schema import ListOf, Object, given, strings, unsupported

_BASE_URL = "https://api.github.com/"
_DOCUMENTED = {
    "writeDelayMs": 1000,
    "readDelayMs": 0,
    "retryDelayMs": 1000,
    "maxRetries": 3,
}
_RETRYABLE = (500, 502, 503, 504)


def _connect(configuration: State) -> Owner:
    """A configuration as terraform-provider-github reads it (github/provider.go), defaults included."""
    token = configuration.get("token") or os.environ.get("GITHUB_TOKEN")
    if not token:
        raise ProviderError(
            "missing credentials: set GITHUB_TOKEN, or `pulumi config set --secret github:token`. "
            "`./dev up` and `./dev pulumi` set it to the local cloud's"
        )
    base_url = configuration.get("baseUrl") or os.environ.get("GITHUB_BASE_URL") or _BASE_URL
    number = {name: configuration.get(name, default) for name, default in _DOCUMENTED.items()}
    client = Client(
        base_url=base_url,
        token=token,
        explain=_explain,
        retries=Retries(
            statuses=frozenset(configuration.get("retryableErrors", _RETRYABLE)),
            attempts=number["maxRetries"],
            delay=number["retryDelayMs"] / 1000,
        ),
        pace=Pace(
            after_write=number["writeDelayMs"] / 1000,
            after_read=number["readDelayMs"] / 1000,
            one_at_a_time=not configuration.get("parallelRequests", False),
        ),
    )
    if not base_url.endswith("/api/v3/"):
        raise ProviderError(f"github:baseUrl {base_url} must end in /api/v3/, or it leads to paths that do not exist")
    name = _first(configuration, "owner", "organization") or _first(os.environ, "GITHUB_OWNER", "GITHUB_ORGANIZATION")
    return organization_or_user(name, client) if name else user_of_token(client)


def _first(values: Mapping[str, Any], *names: str) -> str | None:
    return next((values[name] for name in names if values.get(name)), None)


def _explain(body: Mapping[str, Any]) -> str:
    details = [error if isinstance(error, str) else error.get("message", error) for error in body.get("errors", [])]
    return "; ".join([body["message"], *map(str, details)])


PACKAGE = Package(
    name="github",
    version="6.15.0",
    configuration=Object(
        {
            "token": given(str, secret=True),
            **strings("baseUrl", "organization", "owner"),
            **{name: given(int) for name in _DOCUMENTED},
            "parallelRequests": given(bool),
            "retryableErrors": given(ListOf(int)),
            **unsupported("appAuth", "cachePath", "insecure", "legacyClient", "maxPerPage"),
        }
    ),
    connect=_connect,
    resources={
        resource.type: resource
        for resource in (
            *(Repository, RepositoryEnvironment, RepositoryRuleset, RepositoryWebhook),
            *(ActionsSecret, ActionsVariable, ActionsRepositoryOidcTemplate),
            *(ActionsOrganizationPermissions, ActionsOrganizationOidcTemplate),
        )
    },
    functions={GET_REPOSITORY.name: GET_REPOSITORY},
)
