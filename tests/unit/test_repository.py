"""What workflows tell on GitHub: one comment of several sections, and which pull requests are open."""

import json

import httpx
import pytest

from overskill.errors import CommandError
from overskill.github_api import GitHubApi
from overskill.repository import MARK, Repository, with_section


class GitHub:
    """Comments of one pull request, and the state of others."""

    def __init__(self, comments: list[str], pulls: dict[int, str] | None = None) -> None:
        self.comments = comments
        self.pulls = pulls or {}
        self.issues: list[dict] = []
        self.repository = Repository("o/r", GitHubApi("t", "https://github.test", httpx.MockTransport(self.answer)))

    def answer(self, request: httpx.Request) -> httpx.Response:
        words = request.url.path.removeprefix("/repos/o/r/").split("/")
        match request.method, *words:
            case "GET", "pulls", number:
                state = self.pulls.get(int(number))
                return httpx.Response(200, json={"state": state}) if state else httpx.Response(404)
            case "GET", "issues", "7", "comments":
                start = (int(request.url.params["page"]) - 1) * int(request.url.params["per_page"])
                shown = [{"id": at, "body": body} for at, body in enumerate(self.comments)]
                return httpx.Response(200, json=shown[start : start + int(request.url.params["per_page"])])
            case "POST", "issues", "7", "comments":
                self.comments.append(json.loads(request.content)["body"])
                return httpx.Response(201, json={"html_url": "made"})
            case "PATCH", "issues", "comments", number:
                self.comments[int(number)] = json.loads(request.content)["body"]
                return httpx.Response(200, json={"html_url": "changed"})
        return self.about_issues(request, *words[1:])

    def about_issues(self, request: httpx.Request, *number: str) -> httpx.Response:
        if request.method == "GET":
            wanted = (request.url.params["labels"], request.url.params["state"])
            return httpx.Response(200, json=[i for i in self.issues if (i["labels"][0], i["state"]) == wanted])
        sent = json.loads(request.content)
        if request.method == "POST":
            made = {"number": len(self.issues) + 1, "state": "open", "html_url": "opened"}
            self.issues.append({**made, **sent})
            return httpx.Response(201, json=self.issues[-1])
        self.issues[int(number[0]) - 1] |= sent
        return httpx.Response(200, json=self.issues[int(number[0]) - 1])


def test_the_first_comment_is_made_and_then_changed_wherever_it_is():
    github = GitHub(["nice"] * 150)
    assert github.repository.comment(7, "local", "first") == "made"
    assert github.repository.comment(7, "local", "second") == "changed"
    assert github.repository.comment(7, "account", "other") == "changed"
    assert len(github.comments) == 151
    assert github.comments[-1].startswith(MARK)
    assert "first" not in github.comments[-1]
    assert "second" in github.comments[-1]
    assert "other" in github.comments[-1]


def test_a_section_changes_alone():
    body = with_section(with_section(MARK, "a", "one"), "b", "two")
    assert with_section(body, "a", "three") == body.replace("one", "three")


def test_a_pull_request_that_is_not_there_is_not_open():
    repository = GitHub([], {1: "open", 2: "closed"}).repository
    assert [repository.is_open(number) for number in (1, 2, 3)] == [True, False, False]


def test_what_is_not_set_is_named():
    with pytest.raises(CommandError, match="not set: OVERSKILL_REPOSITORY_TOKEN;"):
        Repository.of_environment({"GITHUB_REPOSITORY": "o/r"})


def test_an_issue_is_opened_once_changed_and_closed():
    github = GitHub([])
    assert github.repository.solve("drift-dev", "clean") is None
    for text in ("first", "second"):
        assert github.repository.issue("drift-dev", "Drift in dev", text) == "opened"
    github.repository.issue("drift-prod", "Drift in prod", "x" * 70_000)
    assert [(one["title"], one["state"]) for one in github.issues] == [
        ("Drift in dev", "open"),
        ("Drift in prod", "open"),
    ]
    assert github.issues[0]["body"] == "second"
    assert len(github.issues[1]["body"]) == 65_000
    github.repository.solve("drift-dev", "clean")
    assert (github.issues[0]["state"], github.issues[0]["body"]) == ("closed", "clean")
    github.repository.issue("drift-dev", "Drift in dev", "again")
    assert len(github.issues) == 3
