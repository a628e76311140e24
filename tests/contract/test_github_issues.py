"""GitHub: issues, as a workflow keeps one of them for what it finds."""

import pytest


@pytest.fixture
def issues(repository):
    return f"{repository}/issues"


def test_an_issue_is_made_changed_closed_and_opened_again(gh, issues, told):
    heard = told("issues")
    made = gh.post(issues, status=201, json={"title": "Drift", "body": "a", "labels": ["drift", "drift"]})
    assert (made["number"], made["state"], made["user"]["login"]) == (1, "open", "local-cloud")
    assert [label["name"] for label in made["labels"]] == ["drift"]
    assert gh.get(f"{issues}/1") == made
    changed = gh.patch(f"{issues}/1", json={"body": "b"})
    assert (changed["body"], changed["title"]) == ("b", "Drift")
    closed = gh.patch(f"{issues}/1", json={"state": "closed", "state_reason": "not_planned"})
    assert (closed["state"], closed["state_reason"], closed["closed_by"]["login"]) == (
        "closed",
        "not_planned",
        "local-cloud",
    )
    assert gh.get(issues) == []
    opened = gh.patch(f"{issues}/1", json={"state": "open"})
    assert (opened["state_reason"], opened["closed_at"], opened["closed_by"]) == ("reopened", None, None)
    events = [payload["action"] for _, payload in heard(4)]
    assert sorted(events) == ["closed", "edited", "opened", "reopened"]


def test_issues_and_pull_requests_are_numbered_and_listed_together(gh, repository, clone, issues):
    assert gh.post(issues, status=201, json={"title": "One"})["number"] == 1
    clone.git("checkout", "-q", "-b", "feature")
    clone.commit("more", a="1")
    clone.git("push", "-q", "origin", "feature")
    body = {"title": "Two", "head": "feature", "base": "main"}
    assert gh.post(f"{repository}/pulls", status=201, json=body)["number"] == 2
    assert gh.post(issues, status=201, json={"title": "Three", "labels": ["x"]})["number"] == 3
    assert [(one["number"], "pull_request" in one) for one in gh.get(issues)] == [(3, False), (2, True), (1, False)]
    assert [one["number"] for one in gh.get(issues, params={"labels": "x"})] == [3]
    gh.call("GET", f"{issues}/2", status=501)


def test_what_is_no_issue(gh, repository, issues):
    gh.call("POST", issues, status=422, json={"body": "x"})
    gh.call("POST", issues, status=422, json={"title": ""})
    gh.call("GET", f"{issues}/9", status=404)
    gh.call("PATCH", f"{issues}/9", status=404, json={"title": "x"})
    gh.call("GET", issues, status=422, params={"state": "shut"})
    gh.patch(repository, json={"has_issues": False})
    gh.call("POST", issues, status=410, json={"title": "x"})
