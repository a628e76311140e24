"""GitHub: organisations, repositories, Actions secrets and variables, webhooks, environments."""

import subprocess
from base64 import b64decode, b64encode

import pytest
from nacl.public import PublicKey, SealedBox

PROVIDERS_PATCH = {
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
    "visibility": "private",
}
"""What the official Pulumi plugin sends after it has made a repository."""


def sealed(public_key, text):
    return b64encode(SealedBox(PublicKey(b64decode(public_key))).encrypt(text.encode())).decode()


def log(local, name, owner="overskill"):
    path = local.cloud.repositories.path(owner, name)
    command = ["git", f"--git-dir={path}", "log", "--format=%s", "--name-only", "main"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")


def test_the_organization(gh):
    organization = gh.get("/orgs/{org}")
    assert organization["type"] == "Organization"
    assert organization["login"] == gh.names["org"]
    assert gh.call("GET", "/orgs/contract-no-such-org", status=404)["message"] == "Not Found"


def test_a_repository_is_made_changed_and_deleted(gh, repository, name):
    made = gh.get(repository)
    assert made["full_name"] == f"{gh.names['org']}/{name}"
    assert (made["private"], made["visibility"], made["default_branch"]) == (True, "private", "main")
    assert made["template_repository"] is None
    changed = gh.patch(repository, json={"name": name, "description": "an app", **PROVIDERS_PATCH})
    assert changed["description"] == "an app"
    assert changed["has_issues"] is False
    assert changed["delete_branch_on_merge"] is True
    gh.delete(repository, status=204)
    assert gh.call("GET", repository, status=404)["message"] == "Not Found"


def test_names_know_no_case(gh, repository, name):
    assert gh.get(repository.upper().replace("/REPOS/{ORG}", "/repos/{org}"))["name"] == name


def test_a_repository_is_generated_from_a_template(gh, template, name, cleanup):
    gh.put(f"{template}/topics", json={"names": ["kept-out"]})
    body = {"name": name, "owner": gh.names["org"], "description": "an app", "include_all_branches": False}
    made = gh.post(f"{template}/generate", status=201, json={**body, "private": True})
    cleanup(lambda: gh.send("DELETE", f"/repos/{{org}}/{name}"))
    assert (made["description"], made["private"], made["is_template"]) == ("an app", True, False)
    assert made["template_repository"]["name"] == f"{name}-template"
    assert gh.get(f"/repos/{{org}}/{name}/topics") == {"names": []}


def test_the_template_comes_along_as_one_commit(gh, local, template, name):
    gh.post(f"{template}/generate", status=201, json={"name": name, "owner": "overskill-apps"})
    assert log(local, f"{name}-template") == ["Initial commit", "", "README.md", ""]
    assert log(local, name, "overskill-apps") == ["Initial commit", "", "README.md", ""]
    assert gh.get(f"/repos/overskill-apps/{name}")["template_repository"]["owner"]["login"] == "overskill"


def test_nothing_is_generated_from_what_is_no_template(gh, local, repository, name):
    body = {"name": f"{name}-b", "owner": "overskill"}
    assert "not a template" in gh.call("POST", f"{repository}/generate", status=422, json=body)["message"]
    gh.post("/orgs/{org}/repos", status=201, json={"name": f"{name}-empty", "is_template": True})
    empty = f"/repos/{{org}}/{name}-empty"
    assert "is empty" in gh.call("POST", f"{empty}/generate", status=422, json=body)["message"]
    gh.call("POST", "/repos/{org}/contract-none/generate", status=404, json=body)
    gh.call("GET", f"{repository}-b", status=404)
    assert not local.cloud.repositories.path("overskill", f"{name}-b").exists()


@pytest.mark.parametrize("wrong", ["with space", "a" * 101, "..", "x.git", "a/b"])
def test_a_wrong_name_is_refused(gh, local, wrong):
    answer = gh.call("POST", "/orgs/{org}/repos", status=422, json={"name": wrong})
    assert answer["errors"][0]["field"] == "name"


def test_a_name_is_taken_once(gh, repository, template, name):
    answer = gh.call("POST", "/orgs/{org}/repos", status=422, json={"name": name.upper()})
    assert answer["message"] == "Repository creation failed."
    assert answer["errors"][0]["message"] == "name already exists on this account"
    generated = {"name": name, "owner": gh.names["org"]}
    assert gh.call("POST", f"{template}/generate", status=422, json=generated)["message"] == (
        "Could not clone: Name already exists on this account"
    )


def test_what_git_holds_follows_the_row(gh, local, repository, name):
    path = local.cloud.repositories.path("overskill", name)
    assert path.is_dir()
    gh.delete(repository, status=204)
    assert not path.exists()
    path.mkdir()  # as a call that was cut off leaves it
    gh.post("/orgs/{org}/repos", status=201, json={"name": name, "auto_init": True})
    assert log(local, name) == ["Initial commit", "", "README.md", ""]


def test_an_archived_repository_is_read_only(gh, repository):
    gh.patch(repository, json={"archived": True})
    shown = gh.get(repository)
    assert shown["archived"] is True
    assert "delete_branch_on_merge" not in shown
    refusal = gh.call("PATCH", repository, status=403, json={"description": "x"})
    assert refusal["message"] == "Repository was archived so is read-only."
    gh.call("PUT", f"{repository}/topics", status=403, json={"names": []})
    gh.patch(repository, json={"archived": False})
    gh.patch(repository, json={"description": "x"})


def test_topics(gh, repository):
    assert gh.put(f"{repository}/topics", json={"names": ["overskill", "app"]}) == {"names": ["overskill", "app"]}
    assert gh.get(f"{repository}/topics") == {"names": ["overskill", "app"]}
    assert gh.get(repository)["topics"] == ["overskill", "app"]
    gh.call("PUT", f"{repository}/topics", status=422, json={"names": ["Capital"]})
    gh.call("PUT", f"{repository}/topics", status=422, json={"names": [f"t{number}" for number in range(21)]})


def test_vulnerability_alerts(gh, repository):
    gh.call("GET", f"{repository}/vulnerability-alerts", status=404)
    gh.put(f"{repository}/vulnerability-alerts", status=204)
    gh.get(f"{repository}/vulnerability-alerts", status=204)
    gh.delete(f"{repository}/vulnerability-alerts", status=204)
    gh.call("GET", f"{repository}/vulnerability-alerts", status=404)


def test_repositories_are_listed_by_page(gh, local):
    for number in range(5):
        body = {"name": f"listed-{number}", "private": number == 0}
        gh.post("/orgs/overskill-apps/repos", status=201, json=body)
    first = gh.send("GET", "/orgs/overskill-apps/repos", params={"per_page": "2", "type": "all"})
    assert [one["name"] for one in first.json()] == ["listed-4", "listed-3"]
    assert first.links.keys() == {"next", "last"}
    second = gh.send("GET", "/orgs/overskill-apps/repos?" + first.links["next"]["url"].partition("?")[2])
    assert [one["name"] for one in second.json()] == ["listed-2", "listed-1"]
    assert second.links.keys() == {"prev", "first", "next", "last"}
    private = gh.send("GET", "/orgs/overskill-apps/repos", params={"type": "private"})
    assert "listed-0" in [one["name"] for one in private.json()]
    assert "Link" not in private.headers
    for number in range(5):
        gh.delete(f"/repos/overskill-apps/listed-{number}", status=204)


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ({}, ['"name" wasn\'t supplied.']),
        ({"name": "x", "colour": 1, "size": 2}, ['"colour" is not a permitted key.', '"size" is not a permitted key.']),
        ({"name": "x", "has_issues": "yes"}, ["For 'properties/has_issues', Input should be a valid boolean."]),
    ],
)
def test_a_wrong_body_is_refused_with_all_that_is_wrong(gh, local, body, lines):
    answer = gh.call("POST", "/orgs/{org}/repos", status=422, json=body)
    assert answer["message"].split("\n") == ["Invalid request.", "", *lines]


def test_what_the_local_cloud_cannot_do_is_refused_loudly(gh, local, repository, template, name):
    rename = {"name": f"{name}-new"}
    assert "renaming" in gh.call("PATCH", repository, status=501, json=rename)["message"]
    licensed = {"name": f"{name}-b", "license_template": "mit"}
    assert "license_template" in gh.call("POST", "/orgs/{org}/repos", status=501, json=licensed)["message"]
    trunk = {"name": f"{name}-b", "default_branch": "trunk"}
    assert "default branch" in gh.call("POST", "/orgs/{org}/repos", status=501, json=trunk)["message"]
    branches = {"name": f"{name}-b", "owner": "overskill", "include_all_branches": True}
    assert "branches" in gh.call("POST", f"{template}/generate", status=501, json=branches)["message"]
    assert "type=forks" in gh.call("GET", "/orgs/{org}/repos", status=501, params={"type": "forks"})["message"]


def test_another_branch_is_made_the_default(gh, repository, name, clone, cleanup):
    change = {"default_branch": "trunk"}
    missing = gh.call("PATCH", repository, status=422, json=change)["errors"][0]
    assert missing["message"].startswith("The branch trunk was not found. ")
    clone.git("push", "-q", "origin", "main:trunk")
    assert gh.patch(repository, json=change)["default_branch"] == "trunk"
    assert clone.git("ls-remote", "--symref", "origin", "HEAD").startswith("ref: refs/heads/trunk")
    gh.post("/orgs/{org}/repos", status=201, json={"name": f"{name}-empty", "private": True})
    cleanup(lambda: gh.send("DELETE", f"/repos/{{org}}/{name}-empty"))
    empty = gh.call("PATCH", f"/repos/{{org}}/{name}-empty", status=422, json=change)["errors"][0]
    assert "empty repository" in empty["message"]


def test_secrets(gh, repository):
    secrets = f"{repository}/actions/secrets"
    key = gh.get(f"{secrets}/public-key")
    body = {"key_id": key["key_id"], "encrypted_value": sealed(key["key"], "first")}
    gh.put(f"{secrets}/webhook_secret", status=201, json=body)
    gh.put(f"{secrets}/WEBHOOK_SECRET", status=204, json={**body, "encrypted_value": sealed(key["key"], "second")})
    read = gh.get(f"{secrets}/WEBHOOK_SECRET")
    assert read.keys() == {"name", "created_at", "updated_at"}
    assert gh.get(secrets) == {"total_count": 1, "secrets": [read]}
    gh.delete(f"{secrets}/WEBHOOK_SECRET", status=204)
    gh.call("GET", f"{secrets}/WEBHOOK_SECRET", status=404)
    gh.call("DELETE", f"{secrets}/WEBHOOK_SECRET", status=404)


def test_a_secret_is_really_opened(gh, local, repository):
    key = gh.get(f"{repository}/actions/secrets/public-key")
    body = {"key_id": key["key_id"], "encrypted_value": sealed(key["key"], "told to nobody")}
    gh.put(f"{repository}/actions/secrets/TOKEN", status=201, json=body)
    scope = str(gh.get(repository)["id"])
    kept = local.cloud.store.get("actions_secrets", scope, "TOKEN")
    assert local.cloud.vault.open(kept["sealed"]) == "told to nobody"


def test_a_secret_that_cannot_be_opened_is_refused(gh, repository):
    secrets = f"{repository}/actions/secrets"
    key = gh.get(f"{secrets}/public-key")
    value = sealed(key["key"], "x")
    other = sealed(b64encode(bytes(range(32))).decode(), "x")
    for body in (
        {"key_id": key["key_id"], "encrypted_value": other},
        {"key_id": key["key_id"], "encrypted_value": "no base64!"},
        {"key_id": "0", "encrypted_value": value},
        {"encrypted_value": value},
    ):
        gh.call("PUT", f"{secrets}/TOKEN", status=422, json=body)
    for name in ("GITHUB_TOKEN", "1ST", "WITH-DASH"):
        gh.call("PUT", f"{secrets}/{name}", status=422, json={"key_id": key["key_id"], "encrypted_value": value})
    too_large = sealed(key["key"], "x" * (48 * 1024 + 1))
    gh.call("PUT", f"{secrets}/TOKEN", status=422, json={"key_id": key["key_id"], "encrypted_value": too_large})
    assert gh.get(secrets)["total_count"] == 0


def test_variables(gh, repository):
    variables = f"{repository}/actions/variables"
    gh.post(variables, status=201, json={"name": "APP_ID", "value": "a"})
    gh.call("POST", variables, status=409, json={"name": "app_id", "value": "a"})
    made = gh.get(f"{variables}/APP_ID")
    assert made.items() >= {"name": "APP_ID", "value": "a"}.items()
    assert made.keys() >= {"created_at", "updated_at"}
    gh.patch(f"{variables}/APP_ID", status=204, json={"name": "APP_ID", "value": "b"})
    gh.patch(f"{variables}/APP_ID", status=204, json={"name": "OTHER_ID"})
    listed = gh.get(variables)
    assert (listed["total_count"], listed["variables"][0]["name"]) == (1, "OTHER_ID")
    assert gh.get(f"{variables}/OTHER_ID")["value"] == "b"
    gh.delete(f"{variables}/OTHER_ID", status=204)
    gh.call("GET", f"{variables}/OTHER_ID", status=404)


def test_webhooks(gh, repository):
    config = {"url": "https://example.com/hook", "content_type": "json", "insecure_ssl": "0", "secret": "told-once"}
    body = {"name": "web", "config": config, "events": ["push", "pull_request"], "active": True}
    made = gh.post(f"{repository}/hooks", status=201, json=body)
    assert made["config"] == {**config, "secret": "********"}
    assert (made["events"], made["active"], made["type"]) == (["push", "pull_request"], True, "Repository")
    hook = f"{repository}/hooks/{made['id']}"
    assert gh.get(hook)["config"]["secret"] == "********"
    gh.call("POST", f"{repository}/hooks", status=422, json=body)
    changed = gh.patch(hook, json={"events": ["push", "deployment_status"], "active": False})
    assert (changed["events"], changed["active"]) == (["push", "deployment_status"], False)
    swapped = gh.patch(hook, json={"add_events": ["issues", "push"], "remove_events": ["deployment_status"]})
    assert swapped["events"] == ["push", "issues"]
    assert [one["id"] for one in gh.get(f"{repository}/hooks")] == [made["id"]]
    without = {key: value for key, value in config.items() if key != "secret"}
    assert "secret" not in gh.patch(hook, json={"config": without})["config"]
    gh.delete(hook, status=204)
    gh.call("GET", hook, status=404)


@pytest.mark.parametrize(
    ("config", "events"),
    [
        ({"url": "ftp://example.com"}, ["push"]),
        ({"url": "https://example.com", "content_type": "xml"}, ["push"]),
        ({"url": "https://example.com"}, ["no_such_event"]),
        ({}, ["push"]),
    ],
)
def test_a_wrong_webhook_is_refused(gh, repository, config, events):
    gh.call("POST", f"{repository}/hooks", status=422, json={"config": config, "events": events})
    assert gh.get(f"{repository}/hooks") == []


def test_environments(gh, repository):
    path = f"{repository}/environments/production"
    body = {
        "wait_timer": 0,
        "reviewers": None,
        "can_admins_bypass": True,
        "deployment_branch_policy": None,
        "prevent_self_review": False,
    }
    made = gh.put(path, json=body)
    assert (made["name"], made["protection_rules"], made["deployment_branch_policy"]) == ("production", [], None)
    policy = {"protected_branches": False, "custom_branch_policies": True}
    changed = gh.put(path, json={**body, "wait_timer": 30, "deployment_branch_policy": policy})
    assert changed["id"] == made["id"]
    assert [rule["type"] for rule in changed["protection_rules"]] == ["wait_timer", "branch_policy"]
    assert gh.get(path)["deployment_branch_policy"] == policy
    assert gh.get(f"{repository}/environments")["total_count"] == 1
    gh.put(f"{repository}/environments/with%2Fslash")
    assert gh.get(f"{repository}/environments/with%2Fslash")["name"] == "with/slash"
    gh.delete(path, status=204)
    gh.call("GET", path, status=404)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"wait_timer": 43_201}, 422),
        ({"deployment_branch_policy": {"protected_branches": True, "custom_branch_policies": True}}, 422),
        ({"reviewers": [{"type": "User", "id": 1}]}, 501),
        ({"prevent_self_review": True}, 501),
    ],
)
def test_a_wrong_environment_is_refused(gh, local, repository, body, status):
    gh.call("PUT", f"{repository}/environments/production", status=status, json=body)


def test_nothing_is_left_of_a_deleted_repository(gh, local, repository, name):
    gh.post(f"{repository}/actions/variables", status=201, json={"name": "A", "value": "b"})
    gh.delete(repository, status=204)
    gh.post("/orgs/{org}/repos", status=201, json={"name": name})
    assert gh.get(f"{repository}/actions/variables")["total_count"] == 0
