"""Apps that have used up the day's quota of their plan are over quota by themselves, and served again by themselves.

What an operator has set stays: an app that is suspended is left alone, and one that an operator resumes is served for
the rest of the day.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app_stacks.cloudflare_error import CloudflareError
from control_plane import events
from control_plane.app_states import AppStates
from control_plane.app_store import AppState
from control_plane.tables import App
from control_plane.usage import reading
from control_plane.usage.reading import Usage
from control_plane.usage.tables import QuotaMark
from infra.platform_config import Quota

ACTOR = "system:quota"
OVER_QUOTA: Final = "over-quota"
ALERT = Fraction(80, 100)


@dataclass(frozen=True)
class Part:
    """How much of one of a quota's figures an app has used today."""

    what: str
    used: int
    of: int

    @property
    def share(self) -> Fraction:
        return Fraction(self.used, self.of)

    def __str__(self) -> str:
        return f"{self.used:,} of {self.of:,} {self.what} a day"


@dataclass(frozen=True)
class Quotas:
    """Those of one platform, by plan."""

    states: AppStates
    quotas: Mapping[str, Quota]

    def enforce(self, now: dt.datetime) -> None:
        """Hold what was used on this day, in UTC, against the quotas. Raises `CloudflareError`."""
        with self.states.database.reading() as session:
            used = reading.by_app(session, [now.date()])
            plans = {app.id: app.plan for app in session.execute(sa.select(App.id, App.plan))}
            marks = {mark.app_id: mark for mark in session.scalars(sa.select(QuotaMark))}
        for app_id in plans.keys() & (used.keys() | marks.keys()):
            parts = _parts(self.quotas.get(plans[app_id]), used.get(app_id))
            fullest = max(parts, key=lambda part: part.share, default=None)
            mark = marks.get(app_id, QuotaMark(app_id=app_id))
            if fullest and fullest.share >= 1:
                if mark.held_since is None:
                    self._hold(app_id, fullest, now)
            elif mark.held_since:
                self._release(app_id, mark.held_since)
            if fullest and fullest.share >= ALERT and mark.warned_on != now.date():
                self._warn(app_id, fullest, now.date())

    def _hold(self, app_id: str, part: Part, now: dt.datetime) -> None:
        """Noted first, and by one server alone. Cut short in between, it leaves the app served until the day ends."""
        if self.states.store.state(app_id):
            return
        since = now.replace(microsecond=0)
        with self._marked(app_id) as (_, mark):
            if mark.held_since:
                return
            mark.held_since = since
        midnight = dt.datetime.combine(now.date() + dt.timedelta(days=1), dt.time(), dt.UTC)
        try:
            state = AppState(state=OVER_QUOTA, reason=str(part), since=since, until=midnight)
            self.states.suspend(app_id, state, actor=ACTOR)
        except CloudflareError:
            with self._marked(app_id) as (_, mark):
                mark.held_since = None
            raise

    def _release(self, app_id: str, held_since: dt.datetime) -> None:
        state = self.states.store.state(app_id)
        if state and (state.state, state.since) == (OVER_QUOTA, held_since):
            self.states.resume(app_id, actor=ACTOR)
        with self._marked(app_id) as (_, mark):
            mark.held_since = None

    def _warn(self, app_id: str, part: Part, day: dt.date) -> None:
        with self._marked(app_id) as (session, mark):
            if mark.warned_on == day:
                return
            mark.warned_on = day
            told = {"what": part.what, "used": part.used, "quota": part.of, "percent": int(part.share * 100)}
            events.publish(session, "quota.warning", app_id, **told)

    @contextmanager
    def _marked(self, app_id: str) -> Iterator[tuple[Session, QuotaMark]]:
        """A transaction, and in it the mark of an app, made where there is none."""
        with self.states.database.writing() as session:
            mark = session.get(QuotaMark, app_id)
            if mark is None:
                mark = QuotaMark(app_id=app_id)
                session.add(mark)
            yield session, mark


def _parts(quota: Quota | None, used: Usage | None) -> Iterator[Part]:
    if quota is None or used is None:
        return
    if quota.requests_per_day:
        yield Part("requests", used.requests, quota.requests_per_day)
    if quota.cpu_ms_per_day:
        yield Part("ms of CPU", used.cpu_us // 1000, quota.cpu_ms_per_day)
