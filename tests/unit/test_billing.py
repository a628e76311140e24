"""Closed months: complete, unchanged, signed. And how usage and cost are shown and asked for."""

import base64
import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from control_plane_settings import browser, declare_app, log_in, plane
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from control_plane import access, audit, operators
from control_plane.billing import months
from control_plane.billing.routes import SIGNATURE
from control_plane.billing.signing import public_key, signature
from control_plane.billing.tables import BillingMonth, BillingRow
from control_plane.cost.prices import MICRO
from control_plane.cost.report import report
from control_plane.dashboard.cost import standalone
from control_plane.state import Plane
from control_plane.tables import AuditEntry, Event
from control_plane.usage.months import Month
from control_plane.usage.tables import FIGURES, NO_APP, UsageDay, UsageReading

MONTH = Month(2025, 10)
AFTER = MONTH.end + dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def known(tmp_path: Path) -> Iterator[Plane]:
    """A control plane that has read a whole month of two apps."""
    made = plane(tmp_path)
    declare_app(made, "shop", customer="acme")
    declare_app(made, "cafe")
    with made.database.writing() as session:
        for app, environment, requests in (("shop", "production", 900), ("cafe", "preview", 30), (NO_APP, "", 5)):
            figures = dict.fromkeys(FIGURES, 0) | {"requests": requests, "errors": 3, "bytes_out": 10 * requests}
            session.add(UsageDay(day=MONTH.days[4], app_id=app, environment=environment, **figures))
        hours = [MONTH.begin + n * HOUR for n in range(24 * len(MONTH.days))]
        told = {"sample_interval": 1, "requests": 0, "dispatched": 0, "invocations": 0, "entered": 0}
        session.execute(sa.insert(UsageReading), [{"hour": hour, "read_at": hour + 8 * HOUR, **told} for hour in hours])
    yield made
    made.database.close()


def close(plane: Plane, month: Month = MONTH, now: dt.datetime = AFTER, **options: bool) -> None:
    with plane.database.writing() as session:
        months.close(session, month, now, actor="command:anna", **options)


def document(plane: Plane) -> bytes:
    with plane.database.reading() as session:
        return months.document(session, MONTH)


def test_a_closed_month_is_what_each_app_used_and_the_same_bytes_always(known):
    close(known)
    made = document(known)
    with known.database.writing() as session:
        session.execute(sa.update(UsageDay).values(requests=10**6))
    assert document(known) == made
    content = json.loads(made)
    rows = {row["app_id"]: row for row in content["apps"]}
    assert {*rows} == {"shop", "cafe", NO_APP}
    assert {name: rows["shop"][name] for name in ("customer", "plan", "requests", "errors", "bytes_out", "cost")} == {
        "customer": "acme",
        "plan": "free",
        "requests": 900,
        "errors": 3,
        "bytes_out": 9000,
        "cost": 12_500_000,
    }
    assert content["total"] == sum(row["cost"] for row in rows.values()) == 25 * MICRO
    with known.database.reading() as session:
        entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "billing.close")).one()
        event = session.scalars(sa.select(Event).where(Event.type == "billing.closed")).one()
        assert (entry.actor, entry.details["digest"]) == ("command:anna", event.data["digest"])
        audit.verify(session)


@pytest.mark.parametrize(
    "change",
    [
        sa.update(BillingRow).where(BillingRow.app_id == "shop").values(requests=901),
        sa.update(BillingRow).where(BillingRow.app_id == "shop").values(customer="other"),
        sa.delete(BillingRow).where(BillingRow.app_id == "cafe"),
        sa.insert(BillingRow).values(
            month=str(MONTH),
            app_id="new",
            scripts=0,
            **dict.fromkeys(("requests", "errors", "cpu_us", "cost"), 0),
            bytes_in=0,
            bytes_out=0,
        ),
        sa.update(BillingMonth).values(total=1),
        sa.update(BillingMonth).values(digest="0" * 64),
    ],
)
def test_a_month_that_was_changed_is_found(known, change):
    close(known)
    with known.database.writing() as session:
        session.execute(change)
    with pytest.raises(months.Changed):
        document(known)


def test_a_month_that_is_gone_is_not_closed_again_unseen(known):
    close(known)
    with known.database.writing() as session:
        session.execute(sa.delete(BillingRow))
        session.execute(sa.delete(BillingMonth))
    with pytest.raises(months.Changed):
        document(known)


def test_only_a_month_that_is_over_and_known_is_closed_and_once(known):
    with pytest.raises(months.NotClosed, match="is not over"):
        close(known, now=MONTH.end - HOUR)
    with known.database.writing() as session:
        session.execute(sa.delete(UsageReading).where(UsageReading.hour == MONTH.begin + 30 * HOUR))
    with pytest.raises(months.NotClosed, match=r"nothing is known of 2025-10-02T06:00:00\+00:00/2025-10-02T07:00"):
        close(known)
    with pytest.raises(months.NotClosed, match="is not closed"):
        document(known)
    close(known, accept_gaps=True)
    assert json.loads(document(known))["gaps"] == ["2025-10-02T06:00:00+00:00/2025-10-02T07:00:00+00:00"]
    with pytest.raises(months.NotClosed, match="closed already"):
        close(known, accept_gaps=True)


def test_a_month_that_may_still_change_is_not_closed(known):
    with known.database.writing() as session:
        last = UsageReading.hour == MONTH.end - HOUR
        session.execute(sa.update(UsageReading).where(last).values(read_at=MONTH.end + HOUR))
    with pytest.raises(months.NotClosed, match="1 hours of 2025-10 may still change"):
        close(known)


def test_a_signature_holds_for_its_document_and_key_alone():
    key = VerifyKey(base64.b64decode(public_key("root")))
    signed = base64.b64decode(signature("root", b"content"))
    key.verify(b"content", signed)
    for content, other in ((b"changed", key), (b"content", VerifyKey(base64.b64decode(public_key("another"))))):
        with pytest.raises(BadSignatureError):
            other.verify(content, signed)


def test_the_builder_fetches_usage_and_closed_months_with_a_token_for_it(known):
    with known.database.writing() as session:
        token = access.issue(session, "billing", ["usage:read"])
    client = browser(known)
    client.headers["Authorization"] = f"Bearer {token}"
    usage = client.get("/api/apps/shop/usage", params={"month": "2025-10"}).json()
    assert (usage["exact"], usage["gaps"]) == (True, [])
    assert [(day["day"], day["environment"], day["usage"]["requests"]) for day in usage["days"]] == [
        ("2025-10-05", "production", 900)
    ]
    assert client.get("/api/apps/shop/usage", params={"month": "2025-13"}).status_code == 422
    assert client.get("/api/apps/shop/usage", params={"month": "2999-01"}).status_code == 404
    assert client.get("/api/billing/2025-10").status_code == 404
    assert client.get("/api/billing/9999-12").status_code == 422
    close(known)
    answer = client.get("/api/billing/2025-10")
    key = VerifyKey(base64.b64decode(public_key(known.settings.webhook_secret.get_secret_value())))
    key.verify(answer.content, base64.b64decode(answer.headers[SIGNATURE]))
    assert answer.content == document(known)


def test_the_dashboard_has_a_page_of_what_a_month_costs(known):
    with known.database.writing() as session:
        operators.set_password(session, "anna", "a long enough password")
    client = browser(known)
    assert client.get("/cost").status_code == 303
    log_in(client, "anna", "a long enough password")
    text = client.get("/cost?month=2025-10").text
    assert text.count("<svg") == 3
    assert '<a id="cost-shop" href="/apps/shop">' in text
    assert re.search(r'href="\?month=2025-09".*href="\?month=2025-11"', text, re.S)
    assert "$12.50" in text
    assert client.get("/cost").status_code == 200
    assert client.get("/cost?month=2024-01").status_code == 404
    assert client.get("/cost?month=2999-12").status_code == 200
    for wrong in ("soon", "9999-12", "0000-01", "2026-13"):
        assert client.get(f"/cost?month={wrong}").status_code == 422


def test_an_apps_page_has_what_it_used_this_month(known):
    with known.database.writing() as session:
        operators.set_password(session, "anna", "a long enough password")
        session.execute(sa.update(UsageDay).values(day=dt.datetime.now(dt.UTC).date()))
    client = browser(known)
    log_in(client, "anna", "a long enough password")
    assert '<td data-label="Requests">900</td>' in client.get("/apps/shop").text


def test_a_report_is_one_file_that_asks_for_nothing_else(known):
    with known.database.reading() as session:
        text = standalone(report(session, MONTH, AFTER))
    assert "default-src 'none'" in text
    assert re.findall(r"<(?:script|link|img|iframe)\b|\b(?:src|href|action)=|url\(|@import", text) == []
    assert text.count("<svg") == text.count('role="img"') == 3
    assert "Connecting" not in text
