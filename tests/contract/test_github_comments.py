"""GitHub: comments on a pull request, as a workflow keeps one of them up to date."""

import pytest


@pytest.fixture
def comments(gh, repository, clone):
    """The path of the comments of a new pull request."""
    clone.git("checkout", "-q", "-b", "feature")
    clone.commit("more", a="1")
    clone.git("push", "-q", "origin", "feature")
    body = {"title": "More", "head": "feature", "base": "main"}
    return f"{repository}/issues/{gh.post(f'{repository}/pulls', status=201, json=body)['number']}/comments"


def test_a_comment_is_made_changed_and_deleted(gh, repository, comments, told):
    heard = told("issue_comment")
    assert gh.get(comments) == []
    made = gh.post(comments, status=201, json={"body": "Deploying…"})
    comment = f"{repository}/issues/comments/{made['id']}"
    assert made["issue_url"].endswith(comments.removesuffix("/comments").format_map(gh.names))
    assert gh.get(comment) == made
    changed = gh.patch(comment, json={"body": "**Deployed**"})
    assert (changed["id"], changed["body"], changed["created_at"]) == (made["id"], "**Deployed**", made["created_at"])
    gh.post(comments, status=201, json={"body": "second"})
    assert [one["body"] for one in gh.get(comments)] == ["**Deployed**", "second"]
    assert gh.get(f"{repository}/pulls/1")["comments"] == 2
    gh.delete(comment, status=204)
    gh.call("GET", comment, status=404)
    assert [one["body"] for one in gh.get(comments, params={"per_page": "1"})] == ["second"]
    events = {(payload["action"], payload["comment"]["body"]): payload for _, payload in heard(4)}
    assert set(events) == {
        ("created", "Deploying…"),
        ("edited", "**Deployed**"),
        ("created", "second"),
        ("deleted", "**Deployed**"),
    }
    assert events["edited", "**Deployed**"]["changes"] == {"body": {"from": "Deploying…"}}
    issue = events["created", "second"]["issue"]
    assert (issue["number"], issue["title"], issue["state"]) == (1, "More", "open")
    assert issue["pull_request"]["url"].endswith("/pulls/1")


def test_since_when(gh, comments):
    made = gh.post(comments, status=201, json={"body": "x"})
    assert len(gh.get(comments, params={"since": made["updated_at"]})) == 1
    assert gh.get(comments, params={"since": "2999-01-01T00:00:00Z"}) == []


def test_what_is_no_comment(gh, repository, comments):
    gh.call("POST", comments, status=422, json={"body": ""})
    gh.call("POST", comments, status=422, json={"body": "x" * 65_537})
    gh.call("POST", comments, status=422, json={"text": "x"})
    gh.call("POST", f"{repository}/issues/9/comments", status=404, json={"body": "x"})
    gh.call("GET", f"{repository}/issues/comments/x", status=404)
    gh.call("PATCH", f"{repository}/issues/comments/999999", status=404, json={"body": "x"})
    assert gh.get(comments) == []
