"""GitHub's permissions: each call names what it needs, in GitHub's words."""

import pytest

from local_cloud import github
from local_cloud.github.access import Caller
from local_cloud.github.app import PERMISSIONS
from local_cloud.github.permissions import ANYONE, AS_APP, AS_INSTALLATION, accepted, alternatives, visible_to_all


def allowed(permission, method, **granted):
    return Caller(token={"permissions": granted}).may(permission, method)


def test_every_call_of_github_names_the_permission_that_it_needs():
    wrong = [
        f"{route.method} {route.template}: {route.permission!r}"
        for route in github.TABLE
        if route.permission not in {ANYONE, AS_APP, AS_INSTALLATION}
        and not all(
            name in PERMISSIONS and level in {"read", "write"}
            for one in alternatives(route.permission, route.method)
            for name, level in one
        )
    ]
    assert wrong == []


def test_to_read_for_get_and_to_write_for_the_rest():
    assert allowed("contents", "GET", contents="read")
    assert allowed("contents", "GET", contents="write")
    assert not allowed("contents", "POST", contents="read")
    assert allowed("contents", "POST", contents="write")
    assert not allowed("contents", "GET", metadata="read")


def test_a_level_of_its_own():
    assert allowed("repository_hooks:read", "POST", repository_hooks="read")
    assert not allowed("contents:write", "GET", contents="read")


def test_several_that_are_all_needed_and_others_of_which_one_is():
    both, either = "contents:write,workflows:write", "issues; pull_requests"
    assert not allowed(both, "PUT", contents="write")
    assert allowed(both, "PUT", contents="write", workflows="write")
    assert all(allowed(either, "POST", **{name: "write"}) for name in ("issues", "pull_requests"))
    assert not allowed(either, "POST", contents="write")
    assert accepted(both, "PUT") == "contents=write,workflows=write"
    assert accepted(either, "GET") == "issues=read; pull_requests=read"


def test_nothing_named_is_allowed_to_no_installation_and_to_the_user():
    assert not allowed("", "GET", contents="write", metadata="read")
    assert Caller().may("", "GET")


@pytest.mark.parametrize(
    ("permission", "method", "visible"),
    [
        ("contents", "GET", True),
        ("contents", "PUT", False),
        ("secrets", "GET", False),
        ("secrets; issues", "GET", True),
    ],
)
def test_what_everybody_may_read_of_a_public_repository(permission, method, visible):
    assert visible_to_all(permission, method) == visible
