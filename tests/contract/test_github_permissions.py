"""GitHub: what each call needs of an installation's token."""

import sqlite3

import pytest

from local_cloud import github
from local_cloud.github.app import PERMISSIONS
from local_cloud.github.permissions import ANYONE, AS_APP, AS_INSTALLATION, alternatives

ROUTES = sorted(github.TABLE, key=lambda route: (route.template, route.method))
GUARDED = [route for route in ROUTES if route.permission not in {ANYONE, AS_APP, AS_INSTALLATION}]
IN_A_REPOSITORY = [route for route in GUARDED if "repo}" in route.template]


@pytest.fixture
def grant(local, installed, cleanup):
    """Gives the App these permissions and no others; GitHub as its installation then calls it."""

    def set_permissions(permissions):
        headers = {"Authorization": f"Bearer {local.cloud.credentials.cloudflare_token}"}
        body = {"permissions": permissions}
        local.client.put("/_local/github-app", headers=headers, json=body).raise_for_status()

    def granted(permissions):
        set_permissions(permissions)
        return installed()

    cleanup(lambda: set_permissions(PERMISSIONS))
    return granted


def stored(local):
    with sqlite3.connect(f"file:{local.cloud.state.database}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT * FROM documents").fetchall()
    return [row for row in rows if row[0] not in {"github_app", "installation_tokens"}]


def path_of(route, gh, name):
    names = {**dict.fromkeys(("owner", "org", "template_owner"), gh.names["org"]), "repo": name, "template_repo": name}
    parts = route.template.split("/")
    return "/".join(names.get(part.strip("{}"), "none") if part.startswith("{") else part for part in parts)


def needed(route):
    """The names of everything that may be enough."""
    return {name for one in alternatives(route.permission, route.method) for name, _ in one}


@pytest.mark.parametrize("route", IN_A_REPOSITORY, ids=lambda route: f"{route.method} {route.template}")
def test_a_token_without_the_permission_is_refused_before_anything_is_read(gh, local, grant, repository, route):
    token = grant({key: level for key, level in PERMISSIONS.items() if key not in needed(route)})
    before = stored(local)
    answer = token.send(route.method, path_of(route, gh, repository.rpartition("/")[2]), content=b"no JSON")
    assert (answer.status_code, answer.json()["message"]) == (403, "Resource not accessible by integration")
    wanted = [f"{key}={level}" for key, level in alternatives(route.permission, route.method)[0]]
    assert answer.headers["x-accepted-github-permissions"].split("; ")[0].split(",") == wanted
    assert stored(local) == before


@pytest.mark.parametrize("route", GUARDED, ids=lambda route: f"{route.method} {route.template}")
def test_a_token_with_only_the_permission_is_admitted(gh, grant, repository, name, route):
    for one in alternatives(route.permission, route.method):
        answer = grant(dict(one)).send(route.method, path_of(route, gh, name), json={})
        assert answer.status_code not in {401, 403}, answer.text


def test_to_read_is_not_to_write(grant, repository):
    token = grant({"secrets": "read", "metadata": "read"})
    assert token.get(f"{repository}/actions/secrets")["total_count"] == 0
    refused = token.call("PUT", f"{repository}/actions/secrets/A", status=403, json={})
    assert refused["message"] == "Resource not accessible by integration"


def test_how_a_repository_merges_is_told_to_who_may_write_its_contents(grant, repository):
    read, write = (grant({"metadata": "read", "contents": level}).get(repository) for level in ("read", "write"))
    merging = {name for name in write if "merge" in name or name == "allow_update_branch"} - {"merges_url"}
    assert {"allow_squash_merge", "delete_branch_on_merge", "merge_commit_title"} <= merging
    assert write.keys() - read.keys() == merging


def test_an_organisations_settings(grant):
    token = grant({"metadata": "read"})
    path = "/orgs/{org}/actions/permissions"
    assert token.call("GET", path, status=403)["message"] == "Resource not accessible by integration"
    assert grant({"organization_administration": "read"}).get(path)
    assert grant({"organization_administration": "read"}).call("PUT", path, status=403, json={})


def test_the_token_of_the_user_may_do_everything_and_is_told_what_is_needed(gh, repository):
    answer = gh.send("GET", f"{repository}/hooks")
    assert answer.headers["x-accepted-github-permissions"] == "repository_hooks=read"
    organization = gh.send("GET", "/orgs/{org}")
    assert organization.headers["x-accepted-github-permissions"] == "allows_permissionless_access=true"


def test_a_route_that_says_nothing_is_served_to_no_installation(gh, local, installed, repository, monkeypatch):
    route, _ = github.TABLE.find("GET", "/repos/a/b/topics")
    monkeypatch.setitem(route.__dict__, "permission", "")
    assert installed().call("GET", f"{repository}/topics", status=403)
    gh.get(f"{repository}/topics")
