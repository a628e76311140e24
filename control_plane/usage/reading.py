"""Usage as it is asked for: of each app, of one by day. Sums of `usage_days`, which are those of its hours."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from control_plane.usage.tables import FIGURES, UsageDay


@dataclass(frozen=True, kw_only=True)
class Usage:
    """As `tables.Figures` has them; CPU time in microseconds."""

    requests: int
    dispatched: int
    errors: int
    bytes_in: int
    bytes_out: int
    invocations: int
    cpu_us: int


_SUMS = [sa.func.sum(getattr(UsageDay, name)).label(name) for name in FIGURES]


def by_app(session: Session, days: Sequence[dt.date], app_environment: str | None = None) -> dict[str, Usage]:
    """Of each app that was used; `NO_APP` among them. In the order of requests, the most first."""
    query = sa.select(UsageDay.app_id, *_SUMS).where(_within(days)).group_by(UsageDay.app_id)
    if app_environment:
        query = query.where(UsageDay.environment == app_environment)
    rows = session.execute(query.order_by(sa.desc("requests"), UsageDay.app_id)).mappings()
    return {row["app_id"]: _usage(row) for row in rows}


def by_environment(session: Session, app_id: str, days: Sequence[dt.date]) -> dict[str, Usage]:
    """Of one app, by app environment."""
    key = UsageDay.environment
    query = sa.select(key, *_SUMS).where(_within(days), UsageDay.app_id == app_id).group_by(key).order_by(key)
    return {row["environment"]: _usage(row) for row in session.execute(query).mappings()}


def by_day(session: Session, app_id: str | None, days: Sequence[dt.date]) -> dict[tuple[dt.date, str], Usage]:
    """By day and app environment, of one app or of all; `NO_APP`'s environment is empty."""
    keys = (UsageDay.day, UsageDay.environment)
    query = sa.select(*keys, *_SUMS).where(_within(days)).group_by(*keys).order_by(*keys)
    if app_id:
        query = query.where(UsageDay.app_id == app_id)
    rows = session.execute(query).mappings()
    return {(row["day"], row["environment"]): _usage(row) for row in rows}


def _within(days: Sequence[dt.date]) -> sa.ColumnElement[bool]:
    return UsageDay.day.between(days[0], days[-1])


def _usage(row: sa.RowMapping) -> Usage:
    return Usage(**{name: int(row[name]) for name in FIGURES})
