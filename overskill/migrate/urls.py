"""Apps from one kind of address to the other, in waves: each is looked at before it is moved and after it.

Both kinds always work. What is moved is which one people are given: by the app's workflow, its pull requests and the
builder. So an app that is moved back, or not at all, is reached as before.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from control_plane.apps import Declaration
from infra.names import Origins, UrlKind

State = Literal["moved", "unanswered", "failed"]

GROWTH = 10
"""The first wave is one app; each is so many times the one before, up to the largest."""


@dataclass(frozen=True)
class Outcome:
    """What has become of one app; `told` is what is the matter."""

    app_id: str
    state: State
    told: str = ""


@dataclass(frozen=True, kw_only=True)
class Migration:
    """To addresses of the kind `to`. `status` is what a GET of a URL answers, 0 for nothing.

    `move` brings an app to what its platform says; it gives what went wrong, by app. `moved` gets each that is done.
    """

    origins: Origins
    to: UrlKind
    largest: int
    status: Callable[[str], int]
    move: Callable[[Sequence[Declaration]], Mapping[str, str]]
    moved: Callable[[str], None]

    def run(self, apps: Iterable[Declaration]) -> Iterator[Outcome]:
        """Wave after wave, up to the first of which anything is wrong; that one comes to its end."""
        for wave in waves([*apps], self.largest):
            outcomes = [*self._wave(wave)]
            yield from outcomes
            if any(outcome.state != "moved" for outcome in outcomes):
                return

    def _wave(self, wave: Sequence[Declaration]) -> Iterator[Outcome]:
        """What does not answer at its new address keeps the old one."""
        wrong = {app.app_id: told for app in wave if (told := self.differing(app))}
        yield from (Outcome(app_id, "unanswered", told) for app_id, told in wrong.items())
        ready = [app for app in wave if app.app_id not in wrong]
        failed = self.move(ready) if ready else {}
        for app in ready:
            if told := failed.get(app.app_id) or self.differing(app):
                yield Outcome(app.app_id, "failed", told)
            else:
                self.moved(app.app_id)
                yield Outcome(app.app_id, "moved")

    def differing(self, app: Declaration) -> str:
        """At which of its new addresses the app answers otherwise than at the other one; empty if at none."""
        other: UrlKind = "path" if self.to == "subdomain" else "subdomain"
        wrong = []
        for place in app.places.values():
            new = self.origins.url(place.script, self.to)
            here, there = self.status(new), self.status(self.origins.url(place.script, other))
            if here != there or not 0 < here < 500:
                wrong.append(f"{new} answers {here or 'nothing'}, by {other} it is {there or 'nothing'}")
        return "; ".join(wrong)


def waves(apps: Sequence[Declaration], largest: int) -> Iterator[Sequence[Declaration]]:
    """1, 10, 100 apps and so on, and then the largest again and again."""
    begin, size = 0, 1
    while begin < len(apps):
        yield apps[begin : begin + size]
        begin, size = begin + size, min(size * GROWTH, largest)
