"""An organisation's settings of Actions. A live organisation keeps its own: these tests are local."""

import pytest

SUBJECT = "/orgs/{org}/actions/oidc/customization/sub"
PERMISSIONS = "/orgs/{org}/actions/permissions"
SELECTED = f"{PERMISSIONS}/selected-actions"


@pytest.fixture(autouse=True)
def defaults(gh, local, cleanup):
    cleanup(lambda: gh.put(SUBJECT, status=201, json={"include_claim_keys": ["repo", "context"]}))
    every = {"enabled_repositories": "all", "allowed_actions": "all", "sha_pinning_required": False}
    cleanup(lambda: gh.put(PERMISSIONS, status=204, json=every))


def test_the_subject_of_an_oidc_token(gh):
    assert gh.get(SUBJECT) == {"include_claim_keys": ["repo", "context"]}
    wanted = {"include_claim_keys": ["repository_owner", "job_workflow_ref"]}
    assert gh.put(SUBJECT, status=201, json=wanted) == {}
    assert gh.get(SUBJECT) == wanted
    assert gh.get(SUBJECT.format(org="overskill-apps")) == {"include_claim_keys": ["repo", "context"]}


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, "include_claim_keys"),
        ({"include_claim_keys": ["a-b"]}, "include_claim_keys"),
        ({"include_claim_keys": ["repo", "repo"]}, "unique"),
        ({"include_claim_keys": ["repo"], "use_default": True}, "use_default"),
    ],
)
def test_a_wrong_subject_is_refused(gh, body, wrong):
    assert wrong in gh.call("PUT", SUBJECT, status=422, json=body)["message"]


def test_which_actions_may_run(gh):
    every = {"enabled_repositories": "all", "allowed_actions": "all", "sha_pinning_required": False}
    assert gh.get(PERMISSIONS) == every
    assert "not selected" in gh.call("GET", SELECTED, status=409)["message"]
    assert "not selected" in gh.call("PUT", SELECTED, status=409, json={})["message"]
    assert gh.put(PERMISSIONS, status=204, json={"enabled_repositories": "all", "allowed_actions": "selected"}) is None
    shown = gh.get(PERMISSIONS)
    assert shown.pop("selected_actions_url").endswith("/api/v3/orgs/overskill/actions/permissions/selected-actions")
    assert shown == {**every, "allowed_actions": "selected"}
    wanted = {"github_owned_allowed": True, "verified_allowed": False, "patterns_allowed": ["pulumi/*"]}
    assert gh.put(SELECTED, status=204, json=wanted) is None
    assert gh.get(SELECTED) == wanted
    gh.put(PERMISSIONS, status=204, json={"enabled_repositories": "none", "sha_pinning_required": True})
    assert gh.get(SELECTED) == wanted
    gh.put(PERMISSIONS, status=204, json={"enabled_repositories": "all", "allowed_actions": "local_only"})
    assert gh.get(PERMISSIONS) == {**every, "allowed_actions": "local_only", "sha_pinning_required": True}
    gh.put(PERMISSIONS, status=204, json={"enabled_repositories": "all", "allowed_actions": "selected"})
    assert gh.get(SELECTED)["patterns_allowed"] == []


@pytest.mark.parametrize(
    ("body", "status", "wrong"),
    [
        ({"enabled_repositories": "selected"}, 501, "enabled_repositories=selected"),
        ({"enabled_repositories": "some"}, 422, "enabled_repositories"),
        ({"enabled_repositories": "all", "allowed_actions": ""}, 422, "allowed_actions"),
        ({"allowed_actions": "all"}, 422, "enabled_repositories"),
    ],
)
def test_wrong_permissions_are_refused(gh, body, status, wrong):
    before = gh.get(PERMISSIONS)
    assert wrong in gh.call("PUT", PERMISSIONS, status=status, json=body)["message"]
    assert gh.get(PERMISSIONS) == before


@pytest.mark.parametrize("path", [SUBJECT, PERMISSIONS, SELECTED])
def test_an_organization_that_is_not_there(gh, path):
    assert gh.call("GET", path.format(org="none"), status=404)["message"] == "Not Found"
