"""`GET /api/apps/{id}/usage`: what an app used, day by day."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel

from control_plane.access import Caller, requires
from control_plane.live import KnownApp
from control_plane.state import GivenPlane
from control_plane.usage import reading
from control_plane.usage.coverage import coverage
from control_plane.usage.dispatched import HOUR
from control_plane.usage.months import PATTERN, Month
from control_plane.usage.reading import Usage

router = APIRouter(prefix="/api/apps", tags=["usage"])


class DayRecord(BaseModel):
    """What an app used in one app environment on a day, in UTC."""

    day: dt.date
    environment: str
    usage: Usage


class GapRecord(BaseModel):
    """A time of which nothing is known."""

    begin: dt.datetime
    end: dt.datetime


class UsageRecord(BaseModel):
    """A month of an app. `exact`: no data point stood for several requests."""

    month: str
    exact: bool
    gaps: list[GapRecord]
    days: list[DayRecord]


@router.get("/{app_id}/usage")
def app_usage(
    app_id: KnownApp,
    plane: GivenPlane,
    _: Annotated[Caller, requires("usage:read")],
    month: Annotated[str, Query(pattern=f"^{PATTERN}$")],
) -> UsageRecord:
    """What an app used in a month (`YYYY-MM`), day by day. What nothing is known of is a gap, not 0."""
    asked = Month.parse(month)
    if asked.begin > (now := dt.datetime.now(dt.UTC)):
        raise HTTPException(404, f"{month} has not begun")
    with plane.database.reading() as session:
        known = coverage(session, asked.begin, min(asked.end, now.replace(minute=0, second=0, microsecond=0) + HOUR))
        days = reading.by_day(session, app_id, asked.days)
    return UsageRecord(
        month=month,
        exact=known.sample_interval == 1,
        gaps=[GapRecord(begin=gap.begin, end=gap.end) for gap in known.gaps],
        days=[DayRecord(day=day, environment=name, usage=one) for (day, name), one in days.items()],
    )
