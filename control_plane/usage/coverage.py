"""How much is known of a time: which of its hours were read, which never, and where the two sources differ."""

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from control_plane.usage.collector import is_final
from control_plane.usage.dispatched import HOUR
from control_plane.usage.tables import UsageReading

TOLERANCE = 0.01
"""The share of requests by which the sources may differ without being told of; both are estimates under load."""


@dataclass(frozen=True)
class Gap:
    """Hours of which nothing is known, from the first one's begin to the last one's end."""

    begin: dt.datetime
    end: dt.datetime


@dataclass(frozen=True)
class Coverage:
    """Of `hours` so many were `read`, and `final` ones won't change. `sample_interval`: 1 is exact.

    The dispatch Worker told of `requests` and of `dispatched` ones; Cloudflare counted that it was `entered`, and the
    `invocations` of the scripts. `differing`: final hours in which one is not like the other.
    """

    hours: int
    read: int
    final: int
    gaps: tuple[Gap, ...]
    sample_interval: int
    requests: int
    dispatched: int
    invocations: int
    entered: int
    differing: tuple[dt.datetime, ...]

    @property
    def complete(self) -> bool:
        """Whether all of it is known for good."""
        return self.final == self.hours


def coverage(session: Session, begin: dt.datetime, end: dt.datetime) -> Coverage:
    """That of the whole hours from `begin` until `end`."""
    found = sa.select(UsageReading).where(UsageReading.hour >= begin, UsageReading.hour < end)
    readings = {reading.hour: reading for reading in session.scalars(found)}
    hours = [begin + n * HOUR for n in range(int((end - begin) / HOUR))]
    gaps: list[Gap] = []
    for hour in hours:
        if hour in readings:
            continue
        before = gaps.pop() if gaps and gaps[-1].end == hour else Gap(hour, hour)
        gaps.append(Gap(before.begin, hour + HOUR))
    rows = readings.values()
    return Coverage(
        hours=len(hours),
        read=sum(hour in readings for hour in hours),
        final=sum(hour in readings and is_final(hour, readings[hour].read_at) for hour in hours),
        gaps=tuple(gaps),
        sample_interval=max((row.sample_interval for row in rows), default=1),
        requests=sum(row.requests for row in rows),
        dispatched=sum(row.dispatched for row in rows),
        invocations=sum(row.invocations for row in rows),
        entered=sum(row.entered for row in rows),
        differing=tuple(h for h, row in sorted(readings.items()) if is_final(h, row.read_at) and _differs(row)),
    )


def _differs(row: UsageReading) -> bool:
    pairs = [(row.dispatched, row.invocations), *([(row.requests, row.entered)] if row.entered else [])]
    return any(abs(told - counted) > TOLERANCE * max(told, counted) for told, counted in pairs)
