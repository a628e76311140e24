"""Webhooks that were given up, tried again: from the dashboard, by the API, by the command, and each on the record."""

import datetime as dt
import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from control_plane_settings import browser, csrf, declare_app, plane
from typer.testing import CliRunner, Result

from control_plane import access, events, operators, redelivery
from control_plane.state import Plane
from control_plane.tables import AuditEntry, Delivery, Notification
from overskill.errors import CommandError
from overskill.webhooks_command import webhooks

NOW = dt.datetime(2026, 11, 24, 20, 0, tzinfo=dt.UTC)
UNKNOWN = "UnknownApp: there is no app gone"


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plane:
    """Notifications 1 to 4 are done, dead, dead, and waiting; delivery 1 was given up, 2 is tried again."""
    monkeypatch.setenv("OVERSKILL_STATE", str(tmp_path))
    made = plane(tmp_path)
    declare_app(made, "abc123")
    states = [
        {"done_at": NOW},
        {"error": "the answer was 500"},
        {"error": "the answer was 500"},
        {"error": "ConnectError", "next_at": NOW},
    ]
    with made.database.writing() as session:
        for state in states:
            event = events.publish(session, "deploy.succeeded", "abc123")
            session.add(Notification(event_id=event.id, attempts=11, **state))
        came = {
            "event": "github.push",
            "app_id": "gone",
            "body": {},
            "received_at": NOW,
            "attempts": 12,
            "error": UNKNOWN,
        }
        session.add(Delivery(key="1", done_at=NOW, **came))
        session.add(Delivery(key="2", next_at=NOW, **came))
    return made


def tried_again(served: Plane) -> list[str]:
    """What is to be tried at once, from the first attempt on."""
    with served.database.reading() as session:
        rows = [
            (kind, row)
            for kind, table in redelivery.TABLES.items()
            for row in session.scalars(sa.select(table).where(table.attempts == 0).order_by(table.id))
        ]
    assert all(row.next_at and row.done_at is None and row.error is None for _, row in rows)
    return [f"{kind}:{row.id}" for kind, row in rows]


def audited(served: Plane) -> list[tuple[str, str, str]]:
    with served.database.reading() as session:
        entries = session.scalars(
            sa.select(AuditEntry).where(AuditEntry.action.like("%redeliver")).order_by(AuditEntry.id)
        )
        return [(entry.actor.partition(":")[0], entry.action, entry.subject) for entry in entries]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(webhooks, arguments)


def test_the_dashboard_has_a_button_for_each_that_was_given_up_and_one_for_all(served: Plane) -> None:
    with served.database.writing() as session:
        link = operators.login_link(session, "anna", "")
    client = browser(served)
    client.get(link)
    page = client.get("/failed-webhooks").text
    paths = re.findall(r'action="(/failed-webhooks[^"]*)"', page)
    one = [f"/failed-webhooks/{name}/retry" for name in ("notification/3", "notification/2", "delivery/1")]
    assert sorted(paths) == sorted(["/failed-webhooks/retry", *one])
    assert "Try all 3 failed again" in page
    labels = re.findall('aria-label="(Try again: [^"]*)"', page)
    assert len(set(labels)) >= 2 and all("of abc123" in label or "of gone" in label for label in labels)
    form = {"csrf": csrf(client)}
    answer = client.post(one[0], data=form)
    assert "1 webhook is tried again" in client.get(answer.headers["location"]).text
    assert tried_again(served) == ["notification:3"]
    assert client.post(one[0], data=form).status_code == 409
    answer = client.post("/failed-webhooks/retry", data=form)
    assert "2 webhooks are tried again" in client.get(answer.headers["location"]).text
    assert tried_again(served) == ["delivery:1", "notification:2", "notification:3"]
    assert audited(served) == [
        ("operator", "notification.redeliver", "event:4"),
        ("operator", "webhooks.redeliver", "webhooks"),
    ]
    assert 'action="/failed-webhooks' not in client.get("/failed-webhooks").text


def test_the_api_tells_the_builder_again_and_nobody_else(served: Plane) -> None:
    client = browser(served)
    with served.database.writing() as session:
        tokens = {scope: access.issue(session, scope, [scope]) for scope in ("events:read", "apps:write")}
    headers = {scope: {"Authorization": f"Bearer {token}"} for scope, token in tokens.items()}
    path = "/api/notifications/redeliver"
    assert [client.post(path, headers=headers["events:read"]).status_code, tried_again(served)] == [403, []]
    assert client.post(path, headers=headers["apps:write"]).json() == {"count": 2}
    assert client.post(path, headers=headers["apps:write"]).json() == {"count": 0}
    assert tried_again(served) == ["notification:2", "notification:3"]
    assert audited(served) == [("token", "webhooks.redeliver", "webhooks")]


def test_the_command_takes_some_or_all_or_nothing(served: Plane) -> None:
    listed = run("list").stdout
    assert re.search(r"notification:4 +again at 20:00:00 UTC", listed) and re.search("delivery:1 +given up", listed)
    for words, told in (
        ((), "--all"),
        (("delivery:1", "--all"), "--all"),
        (("delivery:1", "other:1", "delivery:x"), "other:1, delivery:x"),
        (("delivery:1", "notification:4", "delivery:9"), "notification 4 was not given up.*there is no delivery 9"),
    ):
        refused = run("retry", *words)
        assert isinstance(refused.exception, CommandError) and re.search(told, str(refused.exception))
    assert tried_again(served) == []
    assert run("retry", "delivery:1").stdout.startswith("1 is tried again")
    assert run("retry", "--all").stdout.startswith("2 are tried again")
    assert tried_again(served) == ["delivery:1", "notification:2", "notification:3"]
    assert audited(served) == [
        ("command", "delivery.redeliver", "app:gone"),
        ("command", "webhooks.redeliver", "webhooks"),
    ]
