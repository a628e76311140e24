"""What becomes of a call: an entry of the audit, and with a deploy its deployment."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy.orm import Session

from control_plane import audit, telemetry
from control_plane.broker.identity import Run
from control_plane.broker.refusals import Refused
from control_plane.database import Database


@dataclass
class Attempt:
    """A call, as far as it is known. Each that changes something ends in the audit, and each that is refused."""

    database: Database
    origin: str | None
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
        await asyncio.to_thread(self._write, outcome, {"error": why.message})

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
