"""All that there is to say of what a month costs: for the command, the page of the dashboard, and the file."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain

from sqlalchemy.orm import Session

from control_plane.cost import amounts, projections
from control_plane.cost.bill import FEE, Bill, Day, bill
from control_plane.cost.prices import Tariffs, tariffs
from control_plane.cost.projections import Scenario
from control_plane.usage import reading
from control_plane.usage.coverage import Coverage, coverage
from control_plane.usage.dispatched import HOUR
from control_plane.usage.months import Month
from control_plane.usage.reading import Usage
from control_plane.usage.tables import NO_APP

WEEK = dt.timedelta(days=7)
MOVERS = 8

GROUPS: Mapping[str, str] = {FEE: "base", "requests": "requests", "cpu_us": "cpu", "scripts": "scripts"}
"""The columns of an app's cost by meter: `actions_minutes` is `actions`, any other one is `data`."""
COLUMNS = ("base", "requests", "cpu", "scripts", "data", "actions")


@dataclass(frozen=True, kw_only=True)
class AppCost:
    """An app's use in the month, and its share of the bill by column, in micro-dollars."""

    app_id: str
    requests: int
    cpu_us: int
    scripts: int
    shares: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.shares.values())


@dataclass(frozen=True)
class Mover:
    """Requests an hour of an app, in the week before and in the last one."""

    app_id: str
    before: Fraction
    after: Fraction


@dataclass(frozen=True, kw_only=True)
class Previews:
    """Of the pull requests: their scripts of all, the previews' share of requests, and what clearing them saves."""

    scripts: int
    of_scripts: int
    requests: int
    of_requests: int
    saved: int


@dataclass(frozen=True, kw_only=True)
class Report:
    """Of a month, as it stood at a time. Money is in micro-dollars.

    `rows` has every app by its cost, the dearest first; `days` the requests by day and app environment; `forecast` is
    None where nothing is known yet. `known` reaches to the end of the hour in which it was made.
    """

    month: Month
    made_at: dt.datetime
    tariffs: Tariffs
    bill: Bill
    rows: tuple[AppCost, ...]
    days: Mapping[tuple[dt.date, str], Usage]
    known: Coverage
    unread: frozenset[dt.date]
    forecast: int | None
    scenarios: tuple[Scenario, ...]
    previews: Previews
    movers: tuple[Mover, ...]

    @property
    def of_app(self) -> Fraction:
        """What an app costs on average in the whole month."""
        cost = self.bill.total if self.forecast is None else self.forecast
        return Fraction(cost, len(self.bill.apps) or 1)

    @property
    def is_over(self) -> bool:
        return self.made_at >= self.month.end


def report(session: Session, month: Month, now: dt.datetime, given: Day | None = None) -> Report:
    """Raises `LookupError` for a month of which there are no prices. `given`: use that is not collected."""
    prices = tariffs(month)
    scripts = amounts.scripts(session, month)
    of_month: list[Day] = [{"scripts": scripts}, given or {}]
    used = chain(amounts.days(session, month), of_month)
    made = bill(prices, amounts.apps(session, month), used)
    until = min(month.end, now.replace(minute=0, second=0, microsecond=0) + HOUR)
    known = coverage(session, month.begin, max(month.begin, until))
    whole = (month.end - month.begin) / HOUR
    read, passed = Fraction(known.read, int(whole)), Fraction(known.hours, int(whole))
    expected = projections.whole_month(projections.totals(made), read, passed)
    days, count = reading.by_day(session, None, month.days), len(made.apps)
    return Report(
        month=month,
        made_at=now,
        tariffs=prices,
        bill=made,
        rows=_rows(made, reading.by_app(session, month.days), scripts),
        days=days,
        known=known,
        unread=frozenset(
            (gap.begin + n * HOUR).date() for gap in known.gaps for n in range(int((gap.end - gap.begin) / HOUR))
        ),
        forecast=projections.cost(prices, expected) if known.read else None,
        scenarios=tuple(projections.scenario(prices, expected, count, wanted) for wanted in projections.WHAT_IF)
        if count
        else (),
        previews=Previews(
            scripts=(previews := amounts.previews(session, month)),
            of_scripts=scripts.total(),
            requests=sum(one.requests for (_, environment), one in days.items() if environment == "preview"),
            of_requests=sum(one.requests for one in days.values()),
            saved=projections.without_previews(prices, expected, previews),
        ),
        movers=_movers(session, until.replace(hour=0)),
    )


def _rows(made: Bill, usage: Mapping[str, Usage], scripts: Mapping[str, int]) -> tuple[AppCost, ...]:
    shares: dict[str, dict[str, int]] = {app: dict.fromkeys(COLUMNS, 0) for app in made.shares.keys() | usage.keys()}
    for line in made.lines:
        column = GROUPS.get(line.meter, "actions" if line.meter == "actions_minutes" else "data")
        for app, share in line.shares.items():
            shares[app][column] += share
    rows = [
        AppCost(
            app_id=app,
            requests=usage[app].requests if app in usage else 0,
            cpu_us=usage[app].cpu_us if app in usage else 0,
            scripts=scripts.get(app, 0),
            shares=columns,
        )
        for app, columns in shares.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.total, -row.requests, row.app_id)))


def _movers(session: Session, until: dt.datetime) -> tuple[Mover, ...]:
    """Those whose requests an hour changed most from one week to the next, before a day's begin; hours that were not
    read don't count. None where one of the weeks is not known at all.
    """
    weeks = []
    for begin in (until - 2 * WEEK, until - WEEK):
        read = coverage(session, begin, begin + WEEK).read
        if read == 0:
            return ()
        days = [begin.date() + dt.timedelta(days=n) for n in range(7)]
        weeks.append({app: Fraction(one.requests, read) for app, one in reading.by_app(session, days).items()})
    before, after = weeks
    movers = [Mover(app, before.get(app, Fraction(0)), after.get(app, Fraction(0))) for app in before | after]
    changed = [mover for mover in movers if mover.app_id != NO_APP and mover.after != mover.before]
    return tuple(sorted(changed, key=lambda mover: (-abs(mover.after - mover.before), mover.app_id))[:MOVERS])
