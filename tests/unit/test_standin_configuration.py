"""A stand-in plugin's configuration as a stack gives it, in text, and as a program's own provider does, in any form."""

from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2
from standin_plugin import Context

from local_cloud.providers import cloudflare, github
from local_cloud.providers.github.service import Owner
from local_cloud.providers.resource import Package
from local_cloud.providers.server import Provider
from local_cloud.providers.wire import UNKNOWN, Secret, decode, encode

BASE_URL = "http://127.0.0.1:1/api/v3/"
AS_TEXT: dict[str, Any] = {
    **{"version": "6.15.0", "owner": "overskill-apps", "baseUrl": BASE_URL, "token": Secret("t0ken")},
    **{"writeDelayMs": "250", "readDelayMs": "5", "maxRetries": "0", "retryableErrors": "[500]"},
    "parallelRequests": "true",
}
TYPED: dict[str, Any] = {
    **AS_TEXT,
    **{"writeDelayMs": 250, "readDelayMs": 5, "maxRetries": 0, "retryableErrors": [500], "parallelRequests": True},
}


def diff(
    package: Package[Any], before: dict[str, Any], now: dict[str, Any], ignored: tuple[str, ...] = ()
) -> provider_pb2.DiffResponse:
    request = provider_pb2.DiffRequest(
        old_inputs=encode(before), olds=encode(before), news=encode(now), ignoreChanges=ignored
    )
    return Provider(package).DiffConfig(request, Context())


@pytest.mark.parametrize("given", [AS_TEXT, TYPED], ids=["text", "typed"])
def test_both_forms_are_taken(monkeypatch, given):
    monkeypatch.setattr(
        github, "organization_or_user", lambda name, client: Owner(name=name, is_organization=True, client=client)
    )
    checked = Provider(github.PACKAGE).CheckConfig(provider_pb2.CheckRequest(news=encode(given)), Context())
    assert not checked.failures
    assert decode(checked.inputs) == given
    provider = Provider(github.PACKAGE)
    provider.Configure(provider_pb2.ConfigureRequest(args=checked.inputs), Context())
    owner = provider._service
    client = owner.client
    assert (owner.name, client.base_url, client.token) == ("overskill-apps", BASE_URL, "t0ken")
    assert (client.pace.after_write, client.pace.after_read, client.pace.one_at_a_time) == (0.25, 0.005, False)
    assert (client.retries.attempts, client.retries.statuses) == (0, {500})


def test_what_is_not_known_yet_is_checked_and_is_a_change():
    unknown = {**AS_TEXT, "owner": UNKNOWN, "writeDelayMs": UNKNOWN}
    checked = Provider(github.PACKAGE).CheckConfig(provider_pb2.CheckRequest(news=encode(unknown)), Context())
    assert not checked.failures
    assert list(diff(github.PACKAGE, AS_TEXT, unknown).diffs) == ["owner", "writeDelayMs"]


@pytest.mark.parametrize(
    ("package", "before", "now"),
    [
        (github.PACKAGE, AS_TEXT, {**AS_TEXT, "owner": "other"}),
        (github.PACKAGE, AS_TEXT, {**TYPED, "token": Secret("other"), "writeDelayMs": "0"}),
        (cloudflare.PACKAGE, {"baseUrl": "http://127.0.0.1:1"}, {"baseUrl": "http://127.0.0.1:2", "apiToken": "t"}),
    ],
)
def test_no_change_of_a_configuration_replaces(package, before, now):
    """As with the official plugins: a replaced provider would replace all that was made through it."""
    response = diff(package, before, now)
    assert response.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert not response.replaces
    kinds = {provider_pb2.PropertyDiff.Kind.Name(change.kind) for change in response.detailedDiff.values()}
    assert kinds <= {"ADD", "UPDATE"}


@pytest.mark.parametrize(
    ("now", "ignored"),
    [(AS_TEXT, ()), (TYPED, ()), ({**AS_TEXT, "version": "6.16.0"}, ()), ({**AS_TEXT, "owner": "other"}, ("owner",))],
    ids=["the same", "another form", "another plugin", "ignored"],
)
def test_what_is_no_change(now, ignored):
    assert diff(github.PACKAGE, AS_TEXT, now, ignored).changes == provider_pb2.DiffResponse.DIFF_NONE
