"""What the stand-in for `github` asks of the API, keeps in the state, and takes for a change."""

import base64
from typing import Any

import pytest
from nacl.public import SealedBox
from standin_plugin import Failed, Plugin, reasons
from standin_services import GitHubService, github_plugin
from standin_traces import Call, counted, recorded, shared

from local_cloud.providers import github
from local_cloud.providers.github.service import organization_or_user
from local_cloud.providers.wire import UNKNOWN, Secret, decode, reveal

REPOSITORY = "github:index/repository:Repository"
SECRET = "github:index/actionsSecret:ActionsSecret"
VARIABLE = "github:index/actionsVariable:ActionsVariable"
WEBHOOK = "github:index/repositoryWebhook:RepositoryWebhook"
ENVIRONMENT = "github:index/repositoryEnvironment:RepositoryEnvironment"

INPUTS: dict[str, dict[str, Any]] = {
    REPOSITORY: {
        "name": "ultrathink",
        "description": "an app",
        "visibility": "private",
        "template": {"owner": "overskill", "repository": "vite-wfp-template"},
        "topics": ["overskill"],
        "deleteBranchOnMerge": True,
    },
    SECRET: {
        "repository": "ultrathink",
        "secretName": "OVERSKILL_WEBHOOK_SECRET",
        "value": Secret("hush"),
    },
    VARIABLE: {"repository": "ultrathink", "variableName": "OVERSKILL_APP_ID", "value": "ultrathink"},
    WEBHOOK: {
        "repository": "ultrathink",
        "events": ["push", "pull_request", "workflow_run"],
        "configuration": {
            "url": Secret("http://127.0.0.1:9/webhooks/github"),
            "contentType": "json",
            "insecureSsl": False,
            "secret": Secret("hooksecret"),
        },
    },
    ENVIRONMENT: {"repository": "ultrathink", "environment": "production"},
}

APP = "/repos/overskill-apps/ultrathink"
KEY = f"{APP}/actions/secrets/public-key"
SECRET_PATH = f"{APP}/actions/secrets/OVERSKILL_WEBHOOK_SECRET"
VARIABLE_PATH = f"{APP}/actions/variables/OVERSKILL_APP_ID"
EDIT = {
    "name": "ultrathink",
    "description": "an app",
    "homepage": "",
    "auto_init": False,
    "allow_rebase_merge": True,
    "allow_update_branch": False,
    "allow_squash_merge": True,
    "allow_merge_commit": True,
    "allow_auto_merge": False,
    "delete_branch_on_merge": True,
    "squash_merge_commit_title": "COMMIT_OR_PR_TITLE",
    "squash_merge_commit_message": "COMMIT_MESSAGES",
    "merge_commit_title": "MERGE_MESSAGE",
    "merge_commit_message": "PR_TITLE",
    "topics": ["overskill"],
    "archived": False,
    "has_issues": False,
    "has_wiki": False,
    "has_projects": False,
    "has_downloads": False,
    "has_discussions": False,
    "is_template": False,
    "license_template": "",
    "gitignore_template": "",
}
HOOK = {
    "config": {
        "content_type": "json",
        "insecure_ssl": "0",
        "url": "http://127.0.0.1:9/webhooks/github",
        "secret": "hooksecret",
    },
    "events": ["push", "pull_request", "workflow_run"],
    "active": True,
}
PRODUCTION = f"{APP}/environments/production"
RULES = {
    "wait_timer": 0,
    "reviewers": None,
    "can_admins_bypass": True,
    "deployment_branch_policy": None,
    "prevent_self_review": False,
}
SEALED = {"key_id": "1", "encrypted_value": "sealed"}
CREATE: dict[str, list[Call]] = {
    REPOSITORY: [
        (
            "POST",
            "/repos/overskill/vite-wfp-template/generate",
            {
                "name": "ultrathink",
                "owner": "overskill-apps",
                "description": "an app",
                "include_all_branches": False,
                "private": True,
            },
        ),
        ("PUT", f"{APP}/topics", {"names": ["overskill"]}),
        ("PATCH", APP, EDIT),
        ("PUT", f"{APP}/topics", {"names": ["overskill"]}),
        ("PATCH", APP, {**EDIT, "visibility": "private"}),
        ("GET", APP, None),
    ],
    SECRET: [("GET", APP, None), ("GET", KEY, None), ("PUT", SECRET_PATH, SEALED), ("GET", SECRET_PATH, None)],
    VARIABLE: [
        ("POST", f"{APP}/actions/variables", {"name": "OVERSKILL_APP_ID", "value": "ultrathink"}),
        ("GET", APP, None),
        ("GET", VARIABLE_PATH, None),
    ],
    WEBHOOK: [("POST", f"{APP}/hooks", {"name": "web", **HOOK}), ("GET", f"{APP}/hooks/3", None)],
    ENVIRONMENT: [("PUT", PRODUCTION, RULES), ("GET", APP, None)],
}
REFRESH = {**{type_: calls[-1:] for type_, calls in CREATE.items()}, ENVIRONMENT: [("GET", PRODUCTION, None)]}
CHANGES: dict[str, dict[str, Any]] = {
    REPOSITORY: {"description": "an app 2"},
    SECRET: {"value": Secret("hush 2")},
    VARIABLE: {"value": "ultrathink2"},
    WEBHOOK: {"events": ["push", "pull_request", "workflow_run", "deployment_status"]},
    ENVIRONMENT: {"waitTimer": 5},
}
UPDATE: dict[str, list[Call]] = {
    REPOSITORY: [("PATCH", APP, {**EDIT, "description": "an app 2"}), ("GET", APP, None)],
    SECRET: [("GET", KEY, None), ("PUT", SECRET_PATH, SEALED), ("GET", SECRET_PATH, None)],
    VARIABLE: [
        ("PATCH", VARIABLE_PATH, {"name": "OVERSKILL_APP_ID", "value": "ultrathink2"}),
        ("GET", VARIABLE_PATH, None),
    ],
    WEBHOOK: [
        ("PATCH", f"{APP}/hooks/3", {"url": "http://x/hooks", **HOOK, **CHANGES[WEBHOOK]}),
        ("GET", f"{APP}/hooks/3", None),
    ],
    ENVIRONMENT: [("PUT", PRODUCTION, {**RULES, "wait_timer": 5})],
}
DESTROY: dict[str, list[Call]] = {
    REPOSITORY: [("DELETE", APP, None)],
    SECRET: [("DELETE", SECRET_PATH, None)],
    VARIABLE: [("DELETE", VARIABLE_PATH, None)],
    WEBHOOK: [("DELETE", f"{APP}/hooks/3", None)],
    ENVIRONMENT: [("DELETE", PRODUCTION, None)],
}
CONFIGURE: Call = ("GET", "/orgs/overskill-apps", None)
RECORDED = {"/hooks/3": "/hooks/103", "http://x/hooks": "http://x/repos/overskill-apps/ultrathink/hooks/103"}
UNCHANGED = {ENVIRONMENT}
"""What the recorded update left alone."""


@pytest.fixture
def cloud() -> tuple[Plugin, GitHubService]:
    return github_plugin()


def created(plugin: Plugin) -> dict[str, tuple[str, dict[str, Any]]]:
    made = {type_: plugin.create(type_, inputs) for type_, inputs in INPUTS.items()}
    plugin.calls.clear()
    return made


def made_calls(plugin: Plugin) -> list[Call]:
    """The calls since the last look, their sealed values aside."""
    calls = [
        (m, path, {**body, "encrypted_value": "sealed"} if path == SECRET_PATH and body else body)
        for m, path, body in plugin.calls
    ]
    plugin.calls.clear()
    return calls


def test_the_calls_of_a_whole_life(plugin):
    made = {}
    for type_, inputs in INPUTS.items():
        made[type_] = plugin.create(type_, inputs)
        assert made_calls(plugin) == CREATE[type_]
    for type_, (id, state) in made.items():
        plugin.read(type_, id, state, INPUTS[type_])
        assert made_calls(plugin) == REFRESH[type_]
    for type_, (id, state) in made.items():
        plugin.update(type_, id, state, {**INPUTS[type_], **CHANGES[type_]})
        assert made_calls(plugin) == UPDATE[type_]
    for type_, (id, state) in reversed(made.items()):
        plugin.delete(type_, id, state)
        assert made_calls(plugin) == DESTROY[type_]


def test_those_calls_are_the_recorded_ones():
    steps = recorded(shared("traces/official-github-plugin.txt"), "/api/v3")
    create, refresh, update, _, destroy = steps.values()
    ours = [
        [CONFIGURE, *(call for type_, calls in step.items() if type_ not in left for call in calls)]
        for step, left in ((CREATE, set()), (REFRESH, set()), (UPDATE, UNCHANGED), (DESTROY, set()))
    ]
    ours[3].append(CONFIGURE)
    for official, stand_in in zip((create, refresh, update, destroy), ours, strict=True):
        assert counted(official) == counted(stand_in, RECORDED)


@pytest.mark.parametrize(("status", "is_organization"), [(200, True), (404, False)])
def test_configuring_asks_whether_the_owner_is_an_organization(status, is_organization):
    owners = []
    plugin = Plugin(
        github.PACKAGE,
        lambda *_: (status, {"message": "Not Found"}),
        lambda client: owners.append(organization_or_user("overskill-apps", client)),
    )
    assert plugin.calls == [CONFIGURE]
    assert owners[0].is_organization is is_organization


@pytest.mark.parametrize("type_", INPUTS)
def test_nothing_differs_after_a_creation_or_a_refresh(plugin, type_):
    id, state = created(plugin)[type_]
    assert plugin.kinds(type_, state, INPUTS[type_]) == {}
    now, refreshed, inputs = plugin.read(type_, id, state, INPUTS[type_])
    assert now == id
    assert plugin.kinds(type_, refreshed, INPUTS[type_]) == {}
    assert inputs == INPUTS[type_]


@pytest.mark.parametrize("type_", INPUTS)
def test_what_is_gone_has_no_id_after_a_refresh(plugin, service, type_):
    id, state = created(plugin)[type_]
    service.documents.clear()
    assert plugin.read(type_, id, state, INPUTS[type_])[0] == ""


def test_only_404_means_gone(plugin, service):
    id, state = created(plugin)[VARIABLE]
    service.refused.add(("GET", VARIABLE_PATH))
    with pytest.raises(Failed, match=rf"GET http://127\.0\.0\.1:1/api{VARIABLE_PATH}: 500 .*: out of order"):
        plugin.read(VARIABLE, id, state, INPUTS[VARIABLE])


@pytest.mark.parametrize(
    ("type_", "change", "kinds"),
    [
        (REPOSITORY, {"name": "other"}, {"name": "UPDATE"}),
        (REPOSITORY, {"description": None, "hasIssues": True}, {"description": "UPDATE", "hasIssues": "UPDATE"}),
        (REPOSITORY, {"topics": ["a", "overskill"]}, {"topics[0]": "ADD"}),
        (REPOSITORY, {"topics": None, "etag": "x", "webCommitSignoffRequired": None}, {}),
        (REPOSITORY, {"visibility": "public"}, {"visibility": "UPDATE", "private": "UPDATE"}),
        (REPOSITORY, {"visibility": None, "private": True}, {}),
        (REPOSITORY, {"template": None}, {"template": "DELETE"}),
        (
            REPOSITORY,
            {"template": {"owner": "overskill", "repository": "other"}},
            {"template.repository": "UPDATE"},
        ),
        (SECRET, {"secretName": "OTHER"}, {"secretName": "UPDATE_REPLACE"}),
        (SECRET, {"value": Secret("other")}, {"value": "UPDATE"}),
        (SECRET, {"repository": UNKNOWN}, {"repository": "UPDATE_REPLACE"}),
        (VARIABLE, {"variableName": "OTHER", "value": "x"}, {"variableName": "UPDATE_REPLACE", "value": "UPDATE"}),
        (WEBHOOK, {"repository": "other"}, {"repository": "UPDATE_REPLACE"}),
        (WEBHOOK, {"events": ["workflow_run", "push", "pull_request"]}, {}),
        (WEBHOOK, {"active": False}, {"active": "UPDATE"}),
        (
            WEBHOOK,
            {"configuration": {"url": "http://127.0.0.1:9/other", "contentType": "json"}},
            {"configuration.url": "UPDATE", "configuration.secret": "UPDATE"},
        ),
    ],
)
def test_a_change_and_whether_it_replaces(plugin, type_, change, kinds):
    _, state = created(plugin)[type_]
    assert plugin.kinds(type_, state, {**INPUTS[type_], **change}) == kinds


@pytest.mark.parametrize("type_", [SECRET, VARIABLE])
def test_another_repository_replaces_and_a_renamed_one_does_not(plugin, service, type_):
    _, state = created(plugin)[type_]
    inputs = {**INPUTS[type_], "repository": "renamed"}
    assert plugin.kinds(type_, state, inputs) == {"repository": "UPDATE"}
    service.documents["/renamed"] = service.documents["/ultrathink"]
    assert plugin.kinds(type_, state, inputs) == {"repository": "UPDATE"}
    service.documents["/renamed"] = {"id": 99}
    assert plugin.kinds(type_, state, inputs) == {"repository": "UPDATE_REPLACE"}


@pytest.mark.parametrize(
    ("type_", "path", "behind_our_back", "kinds"),
    [
        (
            REPOSITORY,
            "/ultrathink",
            {"description": "by hand", "topics": ["x"]},
            {"description": "UPDATE", "topics[0]": "UPDATE"},
        ),
        (REPOSITORY, "/ultrathink", {"has_wiki": True, "language": "Go"}, {"hasWiki": "UPDATE"}),
        (VARIABLE, "/ultrathink/actions/variables/OVERSKILL_APP_ID", {"value": "by hand"}, {"value": "UPDATE"}),
        (
            WEBHOOK,
            "/ultrathink/hooks/3",
            {"active": False, "events": ["push"]},
            {"active": "UPDATE", "events[1]": "ADD", "events[2]": "ADD"},
        ),
        (
            WEBHOOK,
            "/ultrathink/hooks/3",
            {"config": {"url": "http://127.0.0.1:9/webhooks/github", "content_type": "json", "insecure_ssl": "1"}},
            {"configuration.insecureSsl": "UPDATE", "configuration.secret": "ADD"},
        ),
    ],
)
def test_drift(cloud, type_, path, behind_our_back, kinds):
    plugin, service = cloud
    id, state = created(plugin)[type_]
    service.documents[path] |= behind_our_back
    _, refreshed, inputs = plugin.read(type_, id, state, INPUTS[type_])
    assert plugin.kinds(type_, refreshed, INPUTS[type_]) == kinds
    assert (inputs == INPUTS[type_]) is (kinds == {"hasWiki": "UPDATE"})


def test_a_secret_changed_by_somebody_else_is_drift_and_is_put_back(plugin, service):
    id, state = created(plugin)[SECRET]
    service.now = "2026-11-24T00:00:00Z"
    service.documents["/ultrathink/actions/secrets/OVERSKILL_WEBHOOK_SECRET"]["updated_at"] = service.now
    _, refreshed, _ = plugin.read(SECRET, id, state, INPUTS[SECRET])
    assert refreshed["remoteUpdatedAt"] == "2026-11-24 00:00:00 +0000 UTC" != refreshed["updatedAt"]
    assert plugin.kinds(SECRET, refreshed, INPUTS[SECRET]) == {"updatedAt": "UPDATE"}
    mended = plugin.update(SECRET, id, refreshed, INPUTS[SECRET])
    assert service.opened["OVERSKILL_WEBHOOK_SECRET"] == "hush"
    assert plugin.kinds(SECRET, mended, INPUTS[SECRET]) == {}


def test_a_secret_is_sealed_for_the_repositorys_key(plugin, service):
    created(plugin)
    assert service.opened == {"OVERSKILL_WEBHOOK_SECRET": "hush"}


def test_a_secret_that_is_sealed_already_is_put_as_it_is(plugin, service):
    created(plugin)
    sealed = base64.b64encode(SealedBox(service.key.public_key).encrypt(b"theirs")).decode()
    plugin.create(SECRET, {"repository": "ultrathink", "secretName": "S", "keyId": "7", "valueEncrypted": sealed})
    put = ("PUT", f"{APP}/actions/secrets/S", {"key_id": "7", "encrypted_value": sealed})
    assert plugin.calls == [("GET", APP, None), put, ("GET", f"{APP}/actions/secrets/S", None)]


def test_what_is_secret_stays_so(plugin):
    for type_, (id, state) in created(plugin).items():
        _, refreshed, inputs = plugin.read(type_, id, state, reveal(INPUTS[type_]))
        updated = plugin.update(type_, id, reveal(state), reveal(INPUTS[type_]))
        for properties in (state, refreshed, inputs, updated):
            assert "hush" not in repr(properties)
            assert "hooksecret" not in repr(properties)
            assert "127.0.0.1:9" not in repr(properties)
    checked = plugin.check(WEBHOOK, reveal(INPUTS[WEBHOOK]))
    assert not checked.failures
    assert checked.inputs["configuration"]["secret"]["value"] == "hooksecret"


def test_what_the_program_calls_secret_stays_so_too(plugin):
    inputs = {**INPUTS[REPOSITORY], "description": Secret("an app")}
    id, state = plugin.create(REPOSITORY, inputs)
    assert state["description"] == Secret("an app")
    assert plugin.read(REPOSITORY, id, state, inputs)[1]["description"] == Secret("an app")


def test_a_repository_that_could_not_be_finished_is_kept_to_be_mended(plugin, service):
    service.refused.add(("PATCH", APP))
    with pytest.raises(Failed, match=r"500 .*out of order") as failed:
        plugin.create(REPOSITORY, INPUTS[REPOSITORY])
    assert failed.value.created.id == "ultrathink"
    assert "PATCH" in failed.value.created.reasons[0]
    service.refused.clear()
    plugin.calls.clear()
    state = plugin.update(REPOSITORY, "ultrathink", decode(failed.value.created.properties), INPUTS[REPOSITORY])
    assert plugin.calls == CREATE[REPOSITORY][2:]
    assert plugin.kinds(REPOSITORY, state, INPUTS[REPOSITORY]) == {}


def test_a_repository_without_a_template(plugin):
    id, state = plugin.create(REPOSITORY, {"name": "tpl", "autoInit": True, "allowSquashMerge": False})
    method, path, body = plugin.calls[0]
    left_out = ("topics", "archived", "has_downloads", "squash_merge_commit_title", "squash_merge_commit_message")
    assert (method, path) == ("POST", "/orgs/overskill-apps/repos")
    assert body == {
        **{name: value for name, value in EDIT.items() if name not in left_out},
        **{"name": "tpl", "description": "", "auto_init": True, "allow_squash_merge": False},
        **{"delete_branch_on_merge": False, "visibility": "public", "private": False},
    }
    assert [(call[0], call[1]) for call in plugin.calls[1:]] == [
        ("PATCH", "/repos/overskill-apps/tpl"),
        ("GET", "/repos/overskill-apps/tpl"),
    ]
    assert (id, state["visibility"], state["fork"]) == ("tpl", "public", "false")


def test_a_rename_is_an_update_and_a_refresh_finds_the_new_id(plugin):
    id, state = created(plugin)[REPOSITORY]
    inputs = {**INPUTS[REPOSITORY], "name": "renamed"}
    preview = plugin.update(REPOSITORY, id, state, inputs, preview=True)
    assert (preview["name"], preview["fullName"], preview["repoId"]) == ("renamed", UNKNOWN, state["repoId"])
    after = plugin.update(REPOSITORY, id, state, inputs)
    assert plugin.read(REPOSITORY, id, after, inputs)[0] == "renamed"
    plugin.delete(REPOSITORY, id, after)
    assert plugin.calls[-1][:2] == ("DELETE", "/repos/overskill-apps/renamed")


@pytest.mark.parametrize("archived", [False, True])
def test_how_a_repository_merges_reads_as_off_where_github_does_not_tell(cloud, archived):
    plugin, service = cloud
    id, state = created(plugin)[REPOSITORY]
    document = service.documents["/ultrathink"]
    del document["delete_branch_on_merge"]
    document["archived"] = archived
    _, read, _ = plugin.read(REPOSITORY, id, state, INPUTS[REPOSITORY])
    assert read["deleteBranchOnMerge"] is archived, "of an archived one it is not read"


def test_archiving_instead_of_deleting(plugin):
    id, state = plugin.create(REPOSITORY, {**INPUTS[REPOSITORY], "archiveOnDestroy": True})
    plugin.delete(REPOSITORY, id, state)
    assert plugin.calls[-1] == ("PATCH", APP, {**EDIT, "archived": True})


def test_a_repository_gets_a_name(plugin):
    named = plugin.check(REPOSITORY, {}).inputs["name"]
    assert named.startswith("name-")
    assert len(named) == len("name-") + 7
    assert plugin.check(REPOSITORY, {}, {"name": "name-0000000"}).inputs["name"] == "name-0000000"


@pytest.mark.parametrize(
    ("type_", "import_id"),
    [
        (REPOSITORY, "ultrathink"),
        (VARIABLE, "ultrathink:OVERSKILL_APP_ID"),
        (SECRET, "ultrathink:OVERSKILL_WEBHOOK_SECRET"),
        (WEBHOOK, "ultrathink/3"),
    ],
)
def test_import(plugin, type_, import_id):
    made_id, _ = created(plugin)[type_]
    id, state, inputs = plugin.read(type_, import_id)
    assert id == made_id
    unreadable = {SECRET: {"value": "ADD"}, WEBHOOK: {"configuration.secret": "UPDATE"}}
    assert plugin.kinds(type_, state, INPUTS[type_]) == unreadable.get(type_, {})
    assert inputs.items() >= {(name, value) for name, value in INPUTS[type_].items() if isinstance(value, str)}


def test_an_import_id_of_another_form_is_refused(plugin):
    with pytest.raises(Failed, match=r"invalid ID 'abc': expected <repository>:<name>"):
        plugin.read(SECRET, "abc")
    with pytest.raises(Failed, match=r"invalid ID 'abc': expected <repository>/<webhook_id>"):
        plugin.read(WEBHOOK, "abc")


def test_a_secret_has_exactly_one_value(plugin):
    named = {"repository": "a", "secretName": "S"}
    exactly_one = "Exactly one of value, plaintextValue, valueEncrypted, encryptedValue must be specified"
    assert reasons(plugin.check(SECRET, named)) == {"value": exactly_one}
    assert reasons(plugin.check(SECRET, {**named, "value": "a", "plaintextValue": "b", "keyId": "1"})) == {
        "value": exactly_one,
        "keyId": "Conflicts with value and plaintextValue",
    }


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "1A", "A-B"])
def test_a_secrets_name_has_rules(plugin, name):
    found = reasons(plugin.check(SECRET, {"repository": "a", "secretName": name, "value": "a"}))
    assert list(found) == ["secretName"]


def test_visibility_and_private_exclude_each_other(plugin):
    found = reasons(plugin.check(REPOSITORY, {"name": "a", "visibility": "odd", "private": True}))
    assert found == {
        "visibility": "Expected one of public, private, internal",
        "private": '"private": conflicts with visibility',
    }
