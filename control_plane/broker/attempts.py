"""What becomes of a call: an entry of the audit, and with a deploy its deployment."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy.orm import Session

from control_plane import audit, telemetry
from control_plane.broker.identity import Run
from control_plane.broker.refusals import Refused
from control_plane.database import Database
from control_plane.rate_limits import RateLimit

STRANGER = "stranger"
"""Whoever has not proven to be an app's run: all of them together, since an address costs nothing."""

ROWS_AT_ONCE = 200
ROWS_A_MINUTE = 10
"""Refusals that are written down, for each app and for all strangers: a flood of 10 bytes a call fills no disk."""

SHOWN = 1000
"""Characters of a reason that are kept."""


class Refusals:
    """Which refusals get a row of their own. Those between two rows are counted by the later one."""

    def __init__(self) -> None:
        self._rows = RateLimit(ROWS_A_MINUTE, "", ROWS_AT_ONCE)
        self._left_out: Counter[str] = Counter()

    def note(self, who: str) -> dict[str, int] | None:
        """What the row says besides; None: it gets none."""
        if self._rows.wait(who):
            self._left_out[who] += 1
            return None
        left_out = self._left_out.pop(who, 0)
        return {"and_as_many_more": left_out} if left_out else {}


@dataclass
class Attempt:
    """A call, as far as it is known. Each that changes something ends in the audit, and each that is refused, unless
    they come as a flood. `who` is an app's id, once that is proven."""

    database: Database
    origin: str | None
    refusals: Refusals
    who: str = STRANGER
    action: str = "deploy.call"
    actor: str = "anonymous"
    subject: str = "broker"
    details: dict[str, Any] = field(default_factory=dict)

    def is_by(self, run: Run) -> None:
        self.actor = f"run:{run.repository}/{run.run_id}"
        self.details |= {"attempt": run.run_attempt, "event": run.event_name, "ref": run.ref, "commit": run.sha}

    async def succeeded(self, also: Callable[[Session], object] = lambda _: None, **details: Any) -> None:
        """`also` keeps what belongs to it, in the same transaction."""
        await asyncio.to_thread(self._write, "ok", details, also)

    async def refused(self, why: Refused) -> None:
        """By the broker, or because who it needs does not answer."""
        outcome: audit.Result = "refused" if why.status < httpx.codes.INTERNAL_SERVER_ERROR else "failed"
        if (more := self.refusals.note(self.who)) is None:
            telemetry.DECISIONS.labels(self.action, outcome).inc()
        else:
            await asyncio.to_thread(self._write, outcome, {"error": why.message[:SHOWN], **more})

    async def failed(self, answer: httpx.Response) -> None:
        """At Cloudflare."""
        await asyncio.to_thread(self._write, "failed", {"error": f"Cloudflare: HTTP {answer.status_code}"})

    def _write(
        self, outcome: audit.Result, details: dict[str, Any], also: Callable[[Session], object] = lambda _: None
    ) -> None:
        deed = audit.Deed(self.actor, self.action, self.subject, outcome, self.origin, {**self.details, **details})
        with self.database.writing() as session:
            also(session)
            audit.append(session, deed)
        telemetry.DECISIONS.labels(self.action, outcome).inc()
