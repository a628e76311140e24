"""Apps that have used up the day's quota of their plan are over quota by themselves, and served again by themselves.

What an operator has set stays: an app that is suspended is left alone, and one that an operator resumes is served for
the rest of the day.
"""

import datetime as dt
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app_stacks.cloudflare_error import CloudflareError
from control_plane import events
from control_plane.app_states import AppStates
from control_plane.app_store import AT_ONCE, AppState
from control_plane.tables import App
from control_plane.usage import reading
from control_plane.usage.reading import Usage
from control_plane.usage.tables import QuotaMark
from infra.platform_config import Quota

ACTOR = "system:quota"
OVER_QUOTA: Final = "over-quota"
ALERT = Fraction(80, 100)

T = TypeVar("T")

log = logging.getLogger(__name__)


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
        """Hold what was used on this day, in UTC, against the quotas.

        Cloudflare is asked of many apps by one call: at midnight all that were held are served again, and deploys have
        the same token. Raises `CloudflareError`, after all that went without one; the rest is for the next time.
        """
        with self.states.database.reading() as session:
            used = reading.by_app(session, [now.date()])
            plans = {app.id: app.plan for app in session.execute(sa.select(App.id, App.plan))}
            marks = {mark.app_id: mark for mark in session.scalars(sa.select(QuotaMark))}
        over: dict[str, Part] = {}
        held: dict[str, dt.datetime] = {}
        warned: dict[str, Part] = {}
        for app_id in sorted(plans.keys() & (used.keys() | marks.keys())):
            parts = _parts(self.quotas.get(plans[app_id]), used.get(app_id))
            fullest = max(parts, key=lambda part: part.share, default=None)
            mark = marks.get(app_id, QuotaMark(app_id=app_id))
            if fullest and fullest.share >= 1:
                if mark.held_since is None:
                    over[app_id] = fullest
            elif mark.held_since:
                held[app_id] = mark.held_since
            if fullest and fullest.share >= ALERT and mark.warned_on != now.date():
                warned[app_id] = fullest
        problems = [*_by_many(self._release, held), *_by_many(partial(self._hold, now=now), over)]
        for app_id, part in warned.items():
            self._warn(app_id, part, now.date())
        if problems:
            raise problems[0]

    def _hold(self, parts: Mapping[str, Part], now: dt.datetime) -> None:
        """Noted first, and by one server alone. Cut short in between, it leaves the apps served until the day ends."""
        since = now.replace(microsecond=0)
        midnight = dt.datetime.combine(now.date() + dt.timedelta(days=1), dt.time(), dt.UTC)
        others = self.states.store.texts(parts)
        states = {
            app_id: AppState(state=OVER_QUOTA, reason=str(part), since=since, until=midnight)
            for app_id, part in parts.items()
            if app_id not in others and self._mark_held(app_id, since)
        }
        try:
            self.states.suspend_all(states, actor=ACTOR)
        except CloudflareError:
            for app_id in states.keys() - self.states.store.texts(states).keys():
                self._mark_released(app_id)
            raise

    def _release(self, held: Mapping[str, dt.datetime]) -> None:
        """The records are told of those without a state too: the time before may have ended after that was cleared."""
        texts, ours, done = self.states.store.texts(held), [], []
        for app_id, since in held.items():
            try:
                state = self.states.store.parsed(app_id, texts[app_id]) if app_id in texts else None
            except CloudflareError as error:
                log.error("%s may be over quota for longer than it should: %s", app_id, error)
                continue
            done.append(app_id)
            if state is None or (state.state, state.since) == (OVER_QUOTA, since):
                ours.append(app_id)
        self.states.resume_all(ours, actor=ACTOR)
        for app_id in done:
            self._mark_released(app_id)

    def _warn(self, app_id: str, part: Part, day: dt.date) -> None:
        with self._marked(app_id) as (session, mark):
            if mark.warned_on == day:
                return
            mark.warned_on = day
            told = {"what": part.what, "used": part.used, "quota": part.of, "percent": int(part.share * 100)}
            events.publish(session, "quota.warning", app_id, **told)

    def _mark_held(self, app_id: str, since: dt.datetime) -> bool:
        """Whether nobody else has."""
        with self._marked(app_id) as (_, mark):
            if mark.held_since:
                return False
            mark.held_since = since
            return True

    def _mark_released(self, app_id: str) -> None:
        with self._marked(app_id) as (_, mark):
            mark.held_since = None

    @contextmanager
    def _marked(self, app_id: str) -> Iterator[tuple[Session, QuotaMark]]:
        """A transaction, and in it the mark of an app, made where there is none."""
        with self.states.database.writing() as session:
            mark = session.get(QuotaMark, app_id)
            if mark is None:
                mark = QuotaMark(app_id=app_id)
                session.add(mark)
            yield session, mark


def _by_many(does: Callable[[dict[str, T]], None], apps: Mapping[str, T]) -> list[CloudflareError]:
    """Give `does` all apps, so many at a time; what it raised."""
    problems, rest = [], [*apps.items()]
    for begin in range(0, len(rest), AT_ONCE):
        try:
            does(dict(rest[begin : begin + AT_ONCE]))
        except CloudflareError as error:
            problems.append(error)
    return problems


def _parts(quota: Quota | None, used: Usage | None) -> Iterator[Part]:
    if quota is None or used is None:
        return
    if quota.requests_per_day:
        yield Part("requests", used.requests, quota.requests_per_day)
    if quota.cpu_ms_per_day:
        yield Part("ms of CPU", used.cpu_us // 1000, quota.cpu_ms_per_day)
