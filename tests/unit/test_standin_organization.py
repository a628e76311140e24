"""An organisation's settings, and a repository by its name, from the stand-in for `github`."""

from typing import Any

import pytest
from standin_plugin import Failed, Plugin, reasons
from standin_services import GitHubService, github_plugin

from local_cloud.providers import github
from local_cloud.providers.github.service import Owner
from local_cloud.providers.wire import UNKNOWN, Secret

PERMISSIONS = "github:index/actionsOrganizationPermissions:ActionsOrganizationPermissions"
CLAIMS = (
    "github:index/actionsOrganizationOidcSubjectClaimCustomizationTemplate:"
    "ActionsOrganizationOidcSubjectClaimCustomizationTemplate"
)
GET_REPOSITORY = "github:index/getRepository:getRepository"
ORGANIZATION = "/orgs/overskill-apps/actions"
ALLOWED: dict[str, Any] = {"githubOwnedAllowed": True, "patternsAlloweds": ["cloudflare/wrangler-action@*"]}
ALL: dict[str, Any] = {"enabledRepositories": "all", "allowedActions": "all"}
SELECTED: dict[str, Any] = {
    "enabledRepositories": "selected",
    "enabledRepositoriesConfig": {"repositoryIds": [1, 2]},
    "allowedActions": "selected",
    "allowedActionsConfig": ALLOWED,
}
TEMPLATE = {"includeClaimKeys": ["repository_id", "context", "job_workflow_ref"]}


@pytest.fixture
def cloud() -> tuple[Plugin, GitHubService]:
    return github_plugin()


def made_calls(plugin: Plugin) -> list[tuple[str, str, Any]]:
    calls = [(method, path.removeprefix(ORGANIZATION), body) for method, path, body in plugin.calls]
    plugin.calls.clear()
    return calls


def test_the_calls_of_selected_permissions(plugin):
    set_ = [
        ("PUT", "/permissions", {"enabled_repositories": "selected", "allowed_actions": "selected"}),
        (
            "PUT",
            "/permissions/selected-actions",
            {
                "github_owned_allowed": True,
                "patterns_allowed": ["cloudflare/wrangler-action@*"],
                "verified_allowed": False,
            },
        ),
        ("PUT", "/permissions/repositories", {"selected_repository_ids": [1, 2]}),
    ]
    read = [
        ("GET", "/permissions", None),
        ("GET", "/permissions/repositories?page=1&per_page=100", None),
        ("GET", "/permissions/selected-actions", None),
    ]
    id, state = plugin.create(PERMISSIONS, SELECTED)
    assert (id, made_calls(plugin)) == ("overskill-apps", set_ + read)
    plugin.read(PERMISSIONS, id, state, SELECTED)
    assert made_calls(plugin) == read
    plugin.update(PERMISSIONS, id, state, {**SELECTED, **ALL})
    assert made_calls(plugin) == [
        ("PUT", "/permissions", {"enabled_repositories": "all", "allowed_actions": "all"}),
        ("GET", "/permissions", None),
    ]
    plugin.delete(PERMISSIONS, id, state)
    assert made_calls(plugin) == [("PUT", "/permissions", {"enabled_repositories": "all", "allowed_actions": "all"})]


def test_the_calls_of_a_claim_template(plugin):
    path, keys = "/oidc/customization/sub", {"include_claim_keys": TEMPLATE["includeClaimKeys"]}
    id, state = plugin.create(CLAIMS, TEMPLATE)
    assert (id, state) == ("overskill-apps", TEMPLATE)
    assert made_calls(plugin) == [("PUT", path, keys), ("GET", path, None)]
    plugin.read(CLAIMS, id, state, TEMPLATE)
    assert made_calls(plugin) == [("GET", path, None)]
    plugin.update(CLAIMS, id, state, {"includeClaimKeys": ["repo"]})
    assert made_calls(plugin) == [("PUT", path, {"include_claim_keys": ["repo"]}), ("GET", path, None)]
    plugin.delete(CLAIMS, id, state)
    assert made_calls(plugin) == [("PUT", path, {"include_claim_keys": ["repo", "context"]})]


CASES = [(PERMISSIONS, ALL), (PERMISSIONS, SELECTED), (PERMISSIONS, {**ALL, "shaPinningRequired": True})]


@pytest.mark.parametrize(("type_", "inputs"), [*CASES, (CLAIMS, TEMPLATE)])
def test_nothing_differs_after_a_creation_a_refresh_or_an_import(plugin, type_, inputs):
    id, state = plugin.create(type_, inputs)
    assert plugin.kinds(type_, state, inputs) == {}
    now, refreshed, inputs_now = plugin.read(type_, id, state, inputs)
    assert (now, refreshed, inputs_now) == (id, state, inputs)
    assert plugin.kinds(type_, refreshed, inputs) == {}
    found, imported, _ = plugin.read(type_, "overskill-apps")
    assert (found, imported) == (id, state)
    assert plugin.kinds(type_, imported, inputs) == {}


@pytest.mark.parametrize(
    ("type_", "inputs", "change", "kinds"),
    [
        (PERMISSIONS, ALL, {"allowedActions": "local_only"}, {"allowedActions": "UPDATE"}),
        (PERMISSIONS, ALL, {"enabledRepositories": "none"}, {"enabledRepositories": "UPDATE"}),
        (PERMISSIONS, ALL, {"shaPinningRequired": True}, {"shaPinningRequired": "ADD"}),
        (
            PERMISSIONS,
            SELECTED,
            {"allowedActionsConfig": {**ALLOWED, "verifiedAllowed": True, "patternsAlloweds": ["a/b@*"]}},
            {
                "allowedActionsConfig.verifiedAllowed": "UPDATE",
                "allowedActionsConfig.patternsAlloweds[0]": "UPDATE",
            },
        ),
        (
            PERMISSIONS,
            SELECTED,
            {"enabledRepositoriesConfig": {"repositoryIds": [2, 1]}, "allowedActionsConfig": None},
            {"allowedActionsConfig": "DELETE"},
        ),
        (CLAIMS, TEMPLATE, {"includeClaimKeys": ["context"]}, None),
        (CLAIMS, TEMPLATE, {"includeClaimKeys": UNKNOWN}, {"includeClaimKeys": "UPDATE"}),
    ],
)
def test_every_change_is_an_update(plugin, type_, inputs, change, kinds):
    _, state = plugin.create(type_, inputs)
    found = plugin.kinds(type_, state, {**inputs, **change})
    assert found
    assert not any(kind.endswith("_REPLACE") for kind in found.values())
    assert kinds is None or found == kinds


def test_drift(plugin, service):
    id, state = plugin.create(PERMISSIONS, SELECTED)
    service.settings["permissions"]["allowed_actions"] = "all"
    service.settings["permissions/repositories"]["selected_repository_ids"] = [2, 3]
    _, refreshed, _ = plugin.read(PERMISSIONS, id, state, SELECTED)
    assert plugin.kinds(PERMISSIONS, refreshed, SELECTED) == {
        "allowedActions": "UPDATE",
        "allowedActionsConfig": "ADD",
        "enabledRepositoriesConfig.repositoryIds[0]": "ADD",
        "enabledRepositoriesConfig.repositoryIds[1]": "DELETE",
    }


def test_selected_actions_that_are_not_the_programs_are_let_be(plugin, service):
    inputs = {**ALL, "allowedActions": "selected"}
    service.settings["permissions/selected-actions"] = {"github_owned_allowed": False}
    id, state = plugin.create(PERMISSIONS, inputs)
    assert [path for _, path, _ in made_calls(plugin)] == ["/permissions", "/permissions"]
    assert plugin.kinds(PERMISSIONS, plugin.read(PERMISSIONS, id, state, inputs)[1], inputs) == {}


def test_more_repositories_than_a_page_holds(plugin):
    inputs = {**SELECTED, "enabledRepositoriesConfig": {"repositoryIds": list(range(250))}}
    _, state = plugin.create(PERMISSIONS, inputs)
    assert state["enabledRepositoriesConfig"] == inputs["enabledRepositoriesConfig"]


def test_no_patterns_are_not_sent(plugin):
    plugin.create(PERMISSIONS, {**SELECTED, "allowedActionsConfig": {"githubOwnedAllowed": True}})
    (body,) = (body for method, path, body in plugin.calls if method == "PUT" and path.endswith("/selected-actions"))
    assert body == {"github_owned_allowed": True, "verified_allowed": False}


def test_what_is_missing_or_wrong_is_said(plugin):
    assert list(reasons(plugin.check(PERMISSIONS, {"enabledRepositories": Secret("selected")}))) == [
        "allowedActions",
        "enabledRepositoriesConfig",
    ]
    assert reasons(plugin.check(PERMISSIONS, {"enabledRepositories": "some", "allowedActions": "none"})) == {
        "enabledRepositories": "Expected one of all, none, selected",
        "allowedActions": "Expected one of all, local_only, selected",
    }
    assert reasons(plugin.check(CLAIMS, {"includeClaimKeys": []})) == {"includeClaimKeys": "Expected at least one item"}


def test_another_organization_is_not_imported(plugin):
    with pytest.raises(Failed, match="invalid ID 'other': expected the owner's name, overskill-apps"):
        plugin.read(CLAIMS, "other")


@pytest.mark.parametrize(("type_", "inputs"), [(PERMISSIONS, ALL), (CLAIMS, TEMPLATE)])
def test_a_user_has_none_of_it(service, type_, inputs):
    plugin = Plugin(github.PACKAGE, service, lambda c: Owner(name="ann", is_organization=False, client=c))
    with pytest.raises(Failed, match="can only be used in the context of an organization, 'ann' is a user"):
        plugin.create(type_, inputs)


def repository(name: str) -> dict[str, Any]:
    return {
        "id": 7,
        "name": name,
        "full_name": f"overskill-apps/{name}",
        "private": True,
        "is_template": True,
        "homepage": None,
        "clone_url": f"http://x/{name}.git",
        "topics": ["overskill"],
        "license": None,
        "has_pages": False,
        "template_repository": {"name": "tpl", "owner": {"login": "overskill"}},
    }


@pytest.mark.parametrize("arguments", [{"fullName": "overskill-apps/app"}, {"name": "app"}])
def test_get_repository(plugin, service, arguments):
    service.documents["/app"] = repository("app")
    found, _ = plugin.invoke(GET_REPOSITORY, arguments)
    assert plugin.calls == [("GET", "/repos/overskill-apps/app", None)]
    expected = {
        **{"id": "app", "name": "app", "repoId": 7, "fullName": "overskill-apps/app"},
        **{"private": True, "isTemplate": True, "archived": False, "homepageUrl": "", "primaryLanguage": ""},
        **{"httpCloneUrl": "http://x/app.git", "topics": ["overskill"], "pages": [], "repositoryLicenses": []},
        "templates": [{"owner": "overskill", "repository": "tpl"}],
    }
    assert {key: found[key] for key in expected} == expected


def test_a_missing_repository_is_named(plugin):
    with pytest.raises(Failed, match=r"getRepository: there is no repository overskill/gone \(GET .*404"):
        plugin.invoke(GET_REPOSITORY, {"fullName": "overskill/gone"})


@pytest.mark.parametrize("arguments", [{}, {"name": "a", "fullName": "o/a"}])
def test_get_repository_needs_one_name(plugin, arguments):
    with pytest.raises(Failed, match="getRepository: give either full_name, such as 'owner/name', or name"):
        plugin.invoke(GET_REPOSITORY, arguments)


@pytest.mark.parametrize("full_name", ["app", "a/b/c", "/app"])
def test_a_full_name_has_two_parts(plugin, full_name):
    with pytest.raises(Failed, match=f"unexpected full name '{full_name}': expected owner/name"):
        plugin.invoke(GET_REPOSITORY, {"fullName": full_name})


@pytest.mark.parametrize(
    ("there", "words"), [({"license": {"key": "mit"}}, "a licence"), ({"has_pages": True}, "pages")]
)
def test_what_is_not_read_is_refused(plugin, service, there, words):
    service.documents["/app"] = {**repository("app"), **there}
    with pytest.raises(Failed, match=f"overskill-apps/app has {words}, which the stand-in provider does not read"):
        plugin.invoke(GET_REPOSITORY, {"name": "app"})
