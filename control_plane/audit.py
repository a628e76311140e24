"""The audit: who did what, when, from where, with which result. Rows are only added, and each covers the one before."""

import datetime as dt
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from control_plane.tables import AuditEntry

Result = Literal["ok", "refused", "failed"]
GENESIS = "0" * 64


class Broken(Exception):
    """The chain does not hold from this entry on."""


@dataclass(frozen=True)
class Deed:
    """`actor`: `operator:anna`, `token:builder`, `run:{repository}/{run id}`, `system`. `action`: `app.suspend`, ...

    `subject`: `app:abc123`, `script:preview-abc123`, ... `origin`: an IP address. `details`: JSON, nothing secret.
    """

    actor: str
    action: str
    subject: str
    result: Result = "ok"
    origin: str | None = None
    details: dict[str, Any] = field(default_factory=dict)


def append(session: Session, deed: Deed) -> None:
    """Add an entry within a `Database.writing()` transaction: kept with what it tells of, or not."""
    session.flush()
    last = session.execute(sa.select(AuditEntry.id, AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1)).first()
    entry = AuditEntry(id=last.id + 1 if last else 1, at=dt.datetime.now(dt.UTC), **vars(deed))
    entry.hash = _hash(last.hash if last else GENESIS, entry)
    session.add(entry)


def verify(session: Session, anchor: str = "") -> tuple[int, str]:
    """How many entries there are, and the hash of the last one.

    Raises `Broken` for the first that was changed, or that one before it is missing; or where the chain has not got the
    entry of an `anchor`, `{number}:{hash}`, any more.
    """
    previous, count, seen = GENESIS, 0, not anchor
    with session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id).execution_options(yield_per=1000)) as entries:
        for entry in entries:
            count += 1
            if entry.id != count:
                raise Broken(f"entry {count} is missing: the next one is {entry.id}")
            if entry.hash != _hash(previous, entry):
                raise Broken(f"entry {entry.id} ({entry.action}, {entry.subject}, {entry.at}) was changed")
            previous = entry.hash
            seen = seen or anchor == f"{entry.id}:{entry.hash}"
    if not seen:
        raise Broken(f"of the {count} entries none is {anchor}: the chain was made anew, or its end was cut off")
    return count, previous


def _hash(previous: str, entry: AuditEntry) -> str:
    content = [
        previous,
        entry.id,
        entry.at.isoformat(),
        entry.actor,
        entry.action,
        entry.subject,
        entry.origin,
        entry.result,
        entry.details,
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
