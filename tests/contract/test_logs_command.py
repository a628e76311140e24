"""`overskill logs`: what Workers have said, as the local cloud keeps it."""

import json
from itertools import islice

import pytest
from checkout import add_script, cloud_of_checkout
from typer.testing import CliRunner

from local_cloud import logs
from overskill import logs_command
from overskill.cli import app
from overskill.errors import CommandError
from overskill.project import Project
from overskill.session import Session

NAMESPACE = "overskill-development-production"
REQUEST = {"method": "GET", "url": "http://shop.overskill.localhost/"}


@pytest.fixture
def cloud(local, tmp_path, monkeypatch):
    """The local cloud of a checkout, with the app `shop` in production, and its command line."""
    with cloud_of_checkout(tmp_path, monkeypatch, logs_command) as made:
        add_script(made, "production", "shop")
        yield made


def say(cloud, *messages, script="shop", **more):
    entries = [{"timestamp_ms": 1_000, "level": "log", "message": m, "outcome": "ok", **more} for m in messages]
    with cloud.cloud.store.transaction():
        logs.append(cloud.cloud.store, NAMESPACE, script, entries)


def run(*words):
    return CliRunner().invoke(app, ["logs", *words])


def test_they_are_shown_with_their_stack_and_request(cloud):
    say(cloud, "two\nlines", "\x1b[31mred")
    say(cloud, "Error: no", level="exception", stack="at index.js:1\nat run.js:2", request=REQUEST, outcome="exception")
    say(cloud, "another's", script="other")
    first, second, *red, third, at, then, asked = run("shop").output.splitlines()
    assert first.split(maxsplit=1)[1] == "log        two"
    assert second == "    lines"
    assert [line.split(maxsplit=1)[1] for line in red] == ["log        \\x1b[31mred"]
    assert third.split(maxsplit=1)[1] == "exception  Error: no"
    assert (at, then) == ("    at index.js:1", "    at run.js:2")
    assert asked == "    GET http://shop.overskill.localhost/ (exception)"


def test_they_are_printed_as_json(cloud):
    say(cloud, "a", "b", "c")
    found = [json.loads(line) for line in run("shop", "--json", "--limit", "2").output.splitlines()]
    assert [entry["message"] for entry in found] == ["b", "c"]
    assert found[0].keys() == {"key", "timestamp_ms", "level", "message", "outcome"}


def test_what_comes_is_followed(cloud, tmp_path, monkeypatch):
    monkeypatch.setattr(logs_command, "POLL_SECONDS", 0.01)
    session = Session(Project(tmp_path))
    following = logs_command.entries(session, NAMESPACE, "shop", 1, follow=True)
    say(cloud, "old", "newest")
    assert next(following)["message"] == "newest"
    say(cloud, "a", "b")
    assert [entry["message"] for entry in islice(following, 2)] == ["a", "b"]
    quiet = logs_command.entries(session, NAMESPACE, "quiet", 1, follow=True)
    say(cloud, "first", script="quiet")
    assert next(quiet)["message"] == "first"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["store"], "there is no app 'store' in production; there are: shop"),
        (["shop", "--environment", "staging"], "there is no app 'shop' in staging; there are: none"),
    ],
)
def test_an_app_that_is_not_there(cloud, words, message):
    error = run(*words).exception
    assert isinstance(error, CommandError)
    assert str(error) == message


@pytest.mark.parametrize("query", ["", "script=a&limit=0", "script=a&limit=1001", "script=a&since=1"])
def test_a_wrong_question_is_refused(cloud, query):
    assert cloud.client.get(f"/_local/logs?{query}").status_code == 422
