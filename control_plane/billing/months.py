"""A month is closed when it is over and all of it is known: then its usage stands, and the audit has its digest."""

import datetime as dt
import hashlib
import json

import sqlalchemy as sa
from sqlalchemy.orm import Session

from control_plane import audit, events
from control_plane.billing.tables import BillingMonth, BillingRow
from control_plane.cost.report import report
from control_plane.tables import App, AuditEntry
from control_plane.usage import reading
from control_plane.usage.months import Month

ACTION = "billing.close"
COLUMNS = [column.name for column in BillingRow.__table__.columns if column.name != "month"]


class NotClosed(Exception):
    """The month can't be closed, or is not; the message says why."""


class Changed(Exception):
    """What stands there is not what was closed."""


def close(session: Session, month: Month, now: dt.datetime, *, actor: str, accept_gaps: bool = False) -> BillingMonth:
    """Close a month within a `Database.writing()` transaction. Raises `NotClosed`, also for one that is closed already.

    With `accept_gaps` the hours of which nothing is known are left out, and the document says which those are.
    """
    if session.get(BillingMonth, str(month)):
        raise NotClosed(f"{month} is closed already, and nothing changes it")
    if now < month.end:
        raise NotClosed(f"{month} is not over: it ends at {month.end:%Y-%m-%d %H:%M} UTC")
    found = report(session, month, now)
    gaps = [f"{gap.begin.isoformat()}/{gap.end.isoformat()}" for gap in found.known.gaps]
    unsettled = found.known.read - found.known.final
    if unsettled:
        raise NotClosed(f"{unsettled} hours of {month} may still change: collect usage again, six hours after its end")
    if gaps and not accept_gaps:
        raise NotClosed(f"of {month} nothing is known of {', '.join(gaps)}: collect usage, or accept that")
    usage = reading.by_app(session, month.days)
    apps = {app.id: app for app in session.scalars(sa.select(App))}
    none = reading.Usage(**dict.fromkeys(reading.Usage.__annotations__, 0))
    closed = BillingMonth(
        month=str(month), closed_at=now.replace(microsecond=0), gaps=gaps, total=found.bill.total, digest=""
    )
    session.add(closed)
    session.flush()
    for row in found.rows:
        used, app = usage.get(row.app_id, none), apps.get(row.app_id)
        session.add(
            BillingRow(
                month=str(month),
                app_id=row.app_id,
                customer=app and app.customer,
                plan=app and app.plan,
                **{name: getattr(used, name) for name in ("requests", "errors", "cpu_us", "bytes_in", "bytes_out")},
                scripts=row.scripts,
                cost=row.total,
            )
        )
    session.flush()
    closed.digest = _digest(_document(session, closed))
    details = {"digest": closed.digest, "apps": len(found.bill.apps), "total": closed.total}
    audit.append(session, audit.Deed(actor, ACTION, _subject(month), details=details))
    events.publish(session, "billing.closed", None, month=str(month), **details)
    return closed


def document(session: Session, month: Month) -> bytes:
    """The month as JSON: `{"month", "closed_at", "gaps", "currency", "total", "apps": [...]}`, the same bytes always.

    Amounts of money are in micro-dollars; `NO_APP` is what is nobody's. Raises `NotClosed`, and `Changed` where it is
    not what the audit says was closed.
    """
    closed = session.get(BillingMonth, str(month))
    noted = session.scalars(
        sa.select(AuditEntry).where(AuditEntry.action == ACTION, AuditEntry.subject == _subject(month))
    ).all()
    if closed is None and not noted:
        raise NotClosed(f"{month} is not closed")
    if closed is None or [entry.details["digest"] for entry in noted] != [closed.digest]:
        raise Changed(f"{month} is not in the audit as it stands in the database")
    made = _document(session, closed)
    if _digest(made) != closed.digest:
        raise Changed(f"rows of {month} are not those that were closed on {closed.closed_at:%Y-%m-%d %H:%M} UTC")
    return made


def _document(session: Session, closed: BillingMonth) -> bytes:
    rows = session.scalars(sa.select(BillingRow).where(BillingRow.month == closed.month))
    content = {
        "month": closed.month,
        "closed_at": closed.closed_at.isoformat(),
        "gaps": closed.gaps,
        "currency": "USD",
        "total": closed.total,
        "apps": sorted(({name: getattr(row, name) for name in COLUMNS} for row in rows), key=lambda row: row["app_id"]),
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _digest(made: bytes) -> str:
    return hashlib.sha256(made).hexdigest()


def _subject(month: Month) -> str:
    return f"billing:{month}"
