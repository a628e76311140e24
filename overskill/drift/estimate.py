"""What a sweep costs for so many apps, before there are any: calls, and the time that the limits allow at best."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from overskill.drift import look
from overskill.drift.apis import REPOSITORIES, SCRIPTS
from overskill.fleet.limits import PUBLISHED, SHARE, Calls, Limit
from overskill.progress import duration

HOUR = 3600.0


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """So many `apps` in so many `environments`, of which each sweep looks at `deep` (a share) closely, and finds so
    many `changed`."""

    apps: int
    environments: int
    deep: float
    changed: int = 0

    @property
    def lists(self) -> Calls:
        pages = self.environments * max(1, math.ceil(self.apps / SCRIPTS))
        return Calls(cloudflare=pages, github=max(1, math.ceil(self.apps / REPOSITORIES)))

    @property
    def calls(self) -> Calls:
        """Of one sweep at most, without the engine's."""
        looks = math.ceil(self.deep * self.apps) + self.changed
        return self.lists + Calls(cloudflare=looks * self.environments, github=looks * look.CALLS.github)

    @property
    def bound(self) -> int:
        """The calls that one sweep makes at most, whatever it finds, by the formula of docs/adr/0027-drift.md."""
        pages = math.ceil(self.apps * self.environments / SCRIPTS) + math.ceil(self.apps / REPOSITORIES)
        return PER_UNIT * (pages + math.ceil(self.deep * self.apps) + self.changed)


PER_UNIT = look.CALLS.cloudflare + look.CALLS.github + 1
"""Calls for each page, and for each app that is looked at closely, at most: its three scripts, its repository and what
is in it, its pull requests."""


def lines(fleet: Fleet, limits: Sequence[Limit] = PUBLISHED) -> Iterator[str]:
    """The estimate, for people."""
    lists, calls = fleet.lists, fleet.calls
    yield f"{fleet.apps} apps: {lists.cloudflare} pages of scripts, {lists.github} pages of repositories"
    share = f"{fleet.deep:.1%}"
    yield f"a sweep that looks at {share} closely: {calls.cloudflare} calls to Cloudflare, {calls.github} to GitHub"
    for limit in limits:
        if needed := getattr(calls, limit.kind):
            told = f"{needed / limit.calls:.0%} of them; {duration(limit.soonest(needed))} at best"
            yield f"  {limit.name}: {told}"
    hours = rotation_hours(fleet, limits)
    yield f"all apps closely, with a sweep each hour: {duration(hours * HOUR)} at the most that the limits leave"


def rotation_hours(fleet: Fleet, limits: Sequence[Limit] = PUBLISHED) -> float:
    """Hours until each app was looked at closely once, if each hour's calls are all spent on it but for the lists."""
    each = Calls(cloudflare=fleet.environments, github=look.CALLS.github)
    hourly = [
        (SHARE * limit.calls * HOUR / limit.seconds - getattr(fleet.lists, limit.kind)) / getattr(each, limit.kind)
        for limit in limits
        if getattr(each, limit.kind)
    ]
    return float(fleet.apps / max(1.0, min(hourly)))
