"""Usage is read from Cloudflare an hour at a time, both of its sources together, until nothing of that hour can change.

What was read is kept; so a collection that was cut short goes on where it was, and one that is made twice changes
nothing.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Session

from control_plane.database import Database
from control_plane.tables import App, AuditEntry
from control_plane.usage import rollups, scripts
from control_plane.usage.analytics import AnalyticsApi
from control_plane.usage.dispatched import HOUR, dispatched
from control_plane.usage.invocations import Place, invocations
from control_plane.usage.tables import NO_APP, UsageReading
from infra.names import AppEnvironment, Origins, outbound_beside

SETTLING = (dt.timedelta(minutes=10), dt.timedelta(hours=1), dt.timedelta(hours=6))
"""An hour is read again so long after its end: what comes late comes by then."""


class Platform(Protocol):
    """What there is to read: the outputs of a platform stack have it, and so has its configuration."""

    @property
    def account_id(self) -> str: ...

    @property
    def namespaces(self) -> Mapping[AppEnvironment, str]: ...

    @property
    def origins(self) -> Origins: ...

    @property
    def usage_dataset(self) -> str: ...


@dataclass(frozen=True)
class Collected:
    """An hour that was read."""

    hour: dt.datetime
    requests: int


@dataclass(frozen=True)
class Collector:
    """Reads the usage of one platform. Its methods raise `CloudflareError`."""

    api: AnalyticsApi
    database: Database
    platform: Platform

    def collect(self, now: dt.datetime, since: dt.datetime | None = None) -> Iterator[Collected]:
        """Read what is due, one hour after the other, and which scripts there are today.

        The first time from `since` on, or from where this month and the record of all that was done both have begun.
        """
        for hour in self._due(now, since):
            yield self._read(hour, now)
        namespaces = self.platform.namespaces.values()
        scripts.note(self.api, self.database, self.platform.account_id, namespaces, now.date())

    def _due(self, now: dt.datetime, since: dt.datetime | None) -> list[dt.datetime]:
        with self.database.reading() as session:
            rows = session.execute(sa.select(UsageReading.hour, UsageReading.read_at)).all()
            begun = session.scalar(sa.select(sa.func.min(AuditEntry.at))) or now
        read = {row.hour: row.read_at for row in rows}
        month = now.replace(day=1, hour=0)
        first = max(min([since or max(month, begun), *read]), now - rollups.KEPT).replace(
            minute=0, second=0, microsecond=0
        )
        count = int((now - first) / HOUR) + 1
        return [hour for n in range(count) if is_due(hour := first + n * HOUR, read.get(hour), now)]

    def _read(self, hour: dt.datetime, now: dt.datetime) -> Collected:
        account = self.platform.account_id
        worker = self.platform.origins.worker
        counted = invocations(
            self.api, account, [*self.platform.namespaces.values()], [worker, outbound_beside(worker)], hour
        )
        with self.database.reading() as session:
            known = _known(session)
        rows: dict[Place, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        reading = UsageReading(hour=hour, read_at=now, sample_interval=1, requests=0, dispatched=0)
        for found in dispatched(self.api, account, self.platform.usage_dataset, hour):
            row = rows[_place((found.app_id, found.environment), known)]
            for name in ("requests", "dispatched", "errors", "bytes_in", "bytes_out"):
                row[name] += getattr(found, name)
            reading.requests += found.requests
            reading.dispatched += found.dispatched
            reading.sample_interval = max(reading.sample_interval, found.sample_interval)
        for place in counted.requests | counted.cpu_us:
            row = rows[_place(place, known)]
            row["invocations"] += counted.requests[place]
            row["cpu_us"] += counted.cpu_us[place]
        reading.invocations, reading.entered = counted.requests.total(), counted.entered
        kept = ({"app_id": app, "environment": environment, **row} for (app, environment), row in rows.items())
        rollups.keep(self.database, reading, kept)
        return Collected(hour, reading.requests)


def is_due(hour: dt.datetime, read_at: dt.datetime | None, now: dt.datetime) -> bool:
    """Whether an hour may have more than what was read of it, if it was."""
    return read_at is None or now < hour + HOUR or any(read_at < hour + HOUR + late <= now for late in SETTLING)


def is_final(hour: dt.datetime, read_at: dt.datetime) -> bool:
    """Whether what was read of an hour is all that there will be."""
    return read_at >= hour + HOUR + SETTLING[-1]


def _known(session: Session) -> set[str]:
    """The apps that there are, and were: anybody may ask for any name, and would fill the database with them."""
    gone = sa.select(AuditEntry.subject).where(AuditEntry.action == "app.destroy").distinct()
    return {*session.scalars(sa.select(App.id)), *(subject.removeprefix("app:") for subject in session.scalars(gone))}


def _place(place: Place, known: set[str]) -> Place:
    return place if place[0] in known else (NO_APP, "")
