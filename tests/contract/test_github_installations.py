"""Installations of the GitHub App: the tokens that they call with, what those reach, and git with them."""

import dataclasses
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from git_client import Clone, run
from webhook_receiver import ended

from local_cloud.github import access

WORKFLOW = ".github/workflows/deploy.yml"
HIDDEN = "Resource not accessible by integration"


def stored(local):
    with sqlite3.connect(f"file:{local.cloud.state.database}?mode=ro", uri=True) as connection:
        return connection.execute("SELECT * FROM documents").fetchall()


@pytest.fixture
def tokens(app):
    """The path of the organisation's access tokens."""
    return f"/app/installations/{app.get('/orgs/{org}/installation')['id']}/access_tokens"


@pytest.fixture
def public(gh, name, cleanup):
    """The path of a public repository with one commit."""
    gh.post("/orgs/{org}/repos", status=201, json={"name": f"{name}-public", "auto_init": True})
    cleanup(lambda: gh.send("DELETE", f"/repos/{{org}}/{name}-public"))
    return f"/repos/{{org}}/{name}-public"


def test_installations(app, repository):
    installation = app.get("/orgs/{org}/installation")
    assert installation in app.get("/app/installations")
    assert app.get(f"/app/installations/{installation['id']}") == installation
    assert installation["account"].keys() >= {"login", "gravatar_id", "followers_url"}
    assert app.get(f"{repository}/installation") == installation
    app.call("GET", "/repos/{org}/contract-none/installation", status=404)
    assert installation["created_at"] <= installation["updated_at"]
    for number in ("0", "none"):
        assert app.call("GET", f"/app/installations/{number}", status=404)["message"] == "Not Found"
        app.call("POST", f"/app/installations/{number}/access_tokens", status=404, json={})


def test_a_token_is_for_everything_unless_it_asks_for_less(local, app, tokens):
    for options in ({}, {"json": {}}, {"json": {"permissions": {}, "repositories": []}}):
        made = app.post(tokens, status=201, **options)
        assert made.keys() == {"token", "expires_at", "permissions", "repository_selection"}
        assert made["permissions"] == app.get("/app")["permissions"]
        assert made["repository_selection"] == "all"
        lifetime = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
        assert timedelta(minutes=59) < lifetime <= timedelta(minutes=60)
        assert made["token"].startswith("local-github-installation-")
        assert made["token"] not in str(stored(local))


def test_a_token_for_some_repositories(gh, app, tokens, repository, public):
    name = repository.rpartition("/")[2]
    ids = [gh.get(path)["id"] for path in (repository, public)]
    for body in ({"repositories": [name.upper()], "repository_ids": ids[1:]}, {"repository_ids": ids}):
        made = app.post(tokens, status=201, json=body)
        assert made["repository_selection"] == "selected"
        assert sorted(one["id"] for one in made["repositories"]) == ids
        listed = dataclasses.replace(gh, token=made["token"]).get("/installation/repositories")
        assert (listed["total_count"], listed["repository_selection"]) == (2, "selected")
        assert [one["id"] for one in listed["repositories"]] == ids


def test_permissions_include_to_know_of_repositories(app, tokens):
    made = app.post(tokens, status=201, json={"permissions": {"contents": "read"}})
    assert made["permissions"] == {"contents": "read", "metadata": "read"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"permissions": {"packages": "read"}}, "The permissions requested are not granted to this installation."),
        ({"permissions": {"metadata": "write"}}, "The level of access for permissions requested are not granted"),
        ({"permissions": {"contents": "admin"}}, "The level of access for permissions requested are not granted"),
        ({"permissions": {"contents": "some"}}, "For 'properties/permissions/contents'"),
        ({"permissions": "contents"}, "For 'properties/permissions'"),
        ({"repositories": ["contract-none"]}, "There is at least one repository that does not exist or is not"),
        ({"repository_ids": [0]}, "There is at least one repository that does not exist or is not"),
        ({"colour": "red"}, '"colour" is not a permitted key'),
    ],
)
def test_a_token_for_what_the_installation_lacks_is_refused(local, app, tokens, body, message):
    before = stored(local)
    assert message in app.call("POST", tokens, status=422, json=body)["message"]
    assert stored(local) == before


def test_only_the_app_makes_tokens(gh, tokens, installed):
    for service in (gh, installed()):
        assert service.call("POST", tokens, status=401)["message"] == "A JSON web token could not be decoded"


def test_a_token_ends(gh, app, installed, monkeypatch):
    token = installed()
    token.get("/orgs/{org}")
    token.delete("/installation/token", status=204)
    assert token.call("GET", "/orgs/{org}", status=401)["message"] == "Bad credentials"
    monkeypatch.setattr(access, "SECONDS", 0)
    assert installed().call("GET", "/orgs/{org}", status=401)["message"] == "Bad credentials"
    for method, path in (("GET", "/installation/repositories"), ("DELETE", "/installation/token")):
        refused = gh.call(method, path, status=403)["message"]
        assert refused.startswith("You must authenticate with an installation access token")
        app.call(method, path, status=401)


def test_expired_tokens_are_swept(local, installed, monkeypatch):
    monkeypatch.setattr(access, "SECONDS", 0)
    installed()
    before = local.cloud.store.count("installation_tokens", "")
    installed()
    assert local.cloud.store.count("installation_tokens", "") <= before


def test_what_a_token_does_not_reach_is_not_there(gh, installed, repository, public, name):
    stranger = installed("overskill-apps")
    selected = installed(repositories=[f"{name}-public"])
    for service in (stranger, selected):
        assert service.call("GET", repository, status=404)["message"] == "Not Found"
        assert service.call("PATCH", repository, status=404, json={})["message"] == "Not Found"
        assert name not in [one["name"] for one in service.get("/orgs/{org}/repos", params={"per_page": "100"})]
        assert f"{name}-public" in [one["name"] for one in service.get("/orgs/{org}/repos", params={"per_page": "100"})]
    assert stranger.get(public)["name"] == f"{name}-public"
    assert stranger.call("PATCH", public, status=403, json={})["message"] == HIDDEN
    assert stranger.call("GET", f"{public}/actions/secrets", status=403)["message"] == HIDDEN
    assert selected.patch(public, json={"description": "mine"})["description"] == "mine"
    assert stranger.call("GET", "/orgs/{org}/actions/permissions", status=403)["message"] == HIDDEN


def test_who_may_make_a_repository(gh, installed, repository, name, cleanup):
    body = {"name": f"{name}-made"}
    for service in (installed("overskill-apps"), installed(repositories=[name])):
        assert service.call("POST", "/orgs/{org}/repos", status=403, json=body)["message"] == HIDDEN
    installed().post("/orgs/{org}/repos", status=201, json=body)
    cleanup(lambda: gh.send("DELETE", f"/repos/{{org}}/{name}-made"))


def test_a_template_may_be_anybodys_who_shows_it(gh, installed, repository, public, cleanup):
    for path in (repository, public):
        gh.patch(path, json={"is_template": True})
    body = {"owner": "overskill-apps", "name": f"{repository.rpartition('/')[2]}-made"}
    stranger = installed("overskill-apps")
    assert stranger.call("POST", f"{repository}/generate", status=404, json=body)["message"] == "Not Found"
    elsewhere = {**body, "owner": "overskill"}
    assert stranger.call("POST", f"{public}/generate", status=403, json=elsewhere)["message"] == HIDDEN
    made = stranger.post(f"{public}/generate", status=201, json=body)
    cleanup(lambda: gh.send("DELETE", f"/repos/{made['full_name']}"))
    reading = installed("overskill-apps", permissions={"administration": "read"})
    assert reading.call("POST", f"{public}/generate", status=403, json=body)["message"] == HIDDEN


def test_git_with_a_token(gh, installed, repository, address, tmp_path):
    token = installed(permissions={"contents": "write"}).token
    for user in ("x-access-token", "anybody"):
        clone = Clone.of(address(user, token), tmp_path / user)
        head = clone.commit("by the App", a=user)
        clone.git("push", "-q", "origin", "main")
        assert gh.get(f"{repository}/commits/main")["sha"] == head


def test_what_git_is_refused(installed, repository, address, tmp_path, name):
    reading = installed(permissions={"contents": "read"}).token
    clone = Clone.of(address(password=reading), tmp_path / "clone")
    clone.commit("not allowed", a="1")
    pushed = clone.try_git("push", "-q", "origin", "main")
    assert f"Permission to overskill/{name}.git denied to local-overskill[bot]." in pushed.said
    blind = run("clone", address(password=installed(permissions={"issues": "write"}).token), str(tmp_path / "blind"))
    assert "Write access to repository not granted." in blind.said
    for token in (installed("overskill-apps").token, f"{reading}x"):
        assert run("clone", address(password=token), str(tmp_path / "none")).code


def test_workflow_files_take_a_permission_of_their_own(gh, installed, repository, address, tmp_path):
    limited, full = (
        installed(permissions={"contents": "write", **more}).token for more in ({}, {"workflows": "write"})
    )
    clone = Clone.of(address(password=limited), tmp_path / "clone")
    (clone.path / ".github/workflows").mkdir(parents=True)
    (clone.path / WORKFLOW).write_text("on: push\n")
    head = clone.commit("deploys")
    for target in ("main", "main:side"):
        pushed = clone.try_git("push", "-q", "origin", target)
        assert f"create or update workflow `{WORKFLOW}` without `workflows` permission" in pushed.said
        assert "remote rejected" in pushed.said
    assert [one["name"] for one in gh.get(f"{repository}/branches")] == ["main"]
    clone.git("push", "-q", address(password=full), "main")
    assert gh.get(f"{repository}/branches/main")["commit"]["sha"] == head
    clone.git("push", "-q", "origin", "main:side")
    clone.commit("something else", a="1")
    clone.git("push", "-q", "origin", "main")
    clone.git("push", "-q", "origin", ":side")


def test_a_push_is_told_as_the_apps(installed, receiver, hook, address, tmp_path):
    path = hook("push")
    clone = Clone.of(address(password=installed().token), tmp_path / "clone")
    clone.commit("by the App", a="1")
    clone.git("push", "-q", "origin", "main")
    ended(installed(), path, 2)
    ((_, push),) = receiver.events()
    assert (push["sender"]["login"], push["sender"]["type"]) == ("local-overskill[bot]", "Bot")
    assert push["pusher"]["name"] == "local-overskill[bot]"
