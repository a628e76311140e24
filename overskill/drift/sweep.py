"""A sweep over the apps of a platform: lists first, then a closer look at what they cannot tell.

Looked at closely are scripts that were modified since the sweep before, repositories that were changed without a push,
and, in turn, so many of all apps as are asked for. Where anything differs, the engine has the last word on the app.
"""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from control_plane.apps import Declaration
from control_plane.apps import Place as AppPlace
from infra.names import AppEnvironment
from overskill.drift import compare, lists, look
from overskill.drift.apis import Apis
from overskill.drift.declared import Declared
from overskill.drift.findings import Change, Drift, Finding, merged
from overskill.drift.lists import Lists
from overskill.drift.look import WEBHOOK, Details
from overskill.drift.memory import Memory
from overskill.drift.place import Place
from overskill.drift.undeclared import Undeclared
from overskill.errors import CommandError

Examine = Callable[[Sequence[str]], Iterator[tuple[str, list[Change] | CommandError | None]]]
"""The engine's refresh of each of these apps: what differs of it, or why that is not known; None: it is under way."""

MENDABLE: tuple[Drift, ...] = ("missing", "changed")
"""What the engine sees, and mends."""

AGAIN = ""
"""In the place of a time: the next sweep is to look there again."""

SETTLES = timedelta(minutes=15)
SHOWN = 10
"""Apps that a message names."""


@dataclass(kw_only=True)
class Report:
    """What a sweep has found. `problems` say what could not be looked at; `skipped` are apps that are under way.

    `looked` counts the apps that were looked at closely, `examined` those that the engine was asked of; `others` are
    repositories of the organisation that are not this platform's.
    """

    findings: list[Finding] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    apps: int = 0
    scripts: int = 0
    repositories: int = 0
    changed: int = 0
    looked: int = 0
    examined: int = 0
    others: int = 0


class Sweep:
    """One sweep. `examine` is None where lists and looks alone have to do. Of what is younger than
    `settles` and declared nowhere nothing is told: it may be part of an app that is being made elsewhere."""

    def __init__(
        self,
        place: Place,
        apis: Apis,
        memory: Memory,
        examine: Examine | None,
        settles: timedelta = SETTLES,
    ) -> None:
        self._place, self._apis, self._memory, self._examine, self._settles = place, apis, memory, examine, settles
        self._found: dict[str, set[Finding]] = {}
        self._seen: dict[str, Details | None] = {}
        self._untold: set[str] = set()
        self._report = Report()

    def run(self, declared: Declared, again: Callable[[], Declared], deep: float) -> Report:
        """Look at all apps by lists, and at `deep` (a share, 0 to 1) of them closely.

        `again` reads what is declared once more, after the lists: what was begun or ended meanwhile is left alone.
        """
        listed = lists.read(self._apis, self._place, declared.apps.values())
        after = again()
        known = {**declared.apps, **after.apps}
        apps = {
            app_id: app
            for app_id, app in declared.apps.items()
            if after.apps.get(app_id) == app and app_id not in declared.busy and app_id not in after.busy
        }
        self._report = Report(
            apps=len(apps),
            scripts=len(listed.scripts),
            repositories=len(listed.repositories),
            skipped=sorted((known.keys() | declared.busy | after.busy) - apps.keys()),
        )
        for app_id, app in apps.items():
            self._note(app_id, compare.of_app(self._place, app, listed))
        self._look_at_modified(apps, listed)
        turn = self._in_turn(apps, deep)
        for app_id in turn:
            self._look_at_scripts(app_id, apps[app_id], {*apps[app_id].places})
            self._look_at_repository(app_id, apps[app_id])
        self._ask_the_engine(apps, turn, after.unrecorded)
        self._leave_out(apps, again())
        self._remember(apps, listed, turn)
        undeclared = Undeclared(self._place, self._apis, self._memory, known, self._settles)
        self._report.others = undeclared.look(listed, {*self._report.skipped, *after.unrecorded, self._place.smoke})
        self._report.findings += [*undeclared.findings, *(one for found in self._found.values() for one in found)]
        self._report.findings.sort()
        self._report.looked, self._report.skipped = len(self._seen), sorted({*self._report.skipped})
        return self._report

    def _note(self, app_id: str, findings: Iterable[Finding]) -> None:
        self._found[app_id] = merged([*self._found.get(app_id, ()), *findings])

    def _look_at_modified(self, apps: Mapping[str, Declaration], listed: Lists) -> None:
        """The scripts and repositories that have changed since the sweep before."""
        scripts, repositories = self._memory.scripts(), self._memory.repositories()
        for app_id, app in apps.items():
            modified = {
                environment
                for environment, place in app.places.items()
                if (at := _modified(listed, place)) and scripts.get((place.namespace, place.script), at) != at
            }
            self._look_at_scripts(app_id, app, modified)
            repository = _repository(app, listed)
            touched = repository is not None and _changed_without_push(repository, repositories.get(repository["id"]))
            if touched:
                self._look_at_repository(app_id, app)
            self._report.changed += bool(modified or touched)

    def _look_at_scripts(self, app_id: str, app: Declaration, environments: Collection[AppEnvironment]) -> None:
        stack = self._place.app_stack(app_id)
        try:
            for environment in sorted(environments):
                self._note(app_id, look.of_script(self._apis, self._place.account_id, stack, app.places[environment]))
        except CommandError as error:
            self._problem(app_id, error)

    def _look_at_repository(self, app_id: str, app: Declaration) -> None:
        """Once in a sweep, and not if another one has taken its name. What cannot be looked at is noted as such."""
        if app_id in self._seen or any(one.drift == "foreign" for one in self._found.get(app_id, ())):
            return
        self._seen[app_id] = None
        try:
            seen = self._seen[app_id] = look.details(self._apis, app.repository)
        except CommandError as error:
            self._untold.add(app_id)
            return self._problem(app_id, error)
        if seen is not None:
            known = self._memory.details(app_id)
            self._note(app_id, look.of_repository(self._place.app_stack(app_id), app, seen, known))

    def _in_turn(self, apps: Mapping[str, Declaration], deep: float) -> list[str]:
        """Those that were not looked at for the longest time, and first of all those that never were."""
        looks = self._memory.looks()
        return sorted(apps, key=lambda app_id: (looks.get(app_id, 0.0), app_id))[: math.ceil(deep * len(apps))]

    def _ask_the_engine(self, apps: Mapping[str, Declaration], turn: Sequence[str], unrecorded: Sequence[str]) -> None:
        """What differs is what the engine says: of what is missing or changed, of what has no record, and of apps that
        it has never been asked of. What this sweep could not read, the engine would misread."""
        suspects = {app_id for app_id, found in self._found.items() if {one.drift for one in found} & {*MENDABLE}}
        suspects |= {app_id for app_id in turn if self._memory.details(app_id) is None}
        suspects -= {app_id for app_id, found in self._found.items() if any(one.drift == "foreign" for one in found)}
        if self._examine is None:
            if unrecorded:
                told = f"{len(unrecorded)} apps have no record, and only the engine knows what they are"
                self._report.problems.append(f"{told}: {', '.join(unrecorded[:SHOWN])}")
            return
        for app_id in suspects:
            self._look_at_repository(app_id, apps[app_id])
        suspects -= self._untold
        self._report.examined = len(suspects) + len(unrecorded)
        for app_id, answer in self._examine([*sorted(suspects), *unrecorded]):
            if answer is None:
                self._found.pop(app_id, None)
                self._report.skipped.append(app_id)
                continue
            if isinstance(answer, CommandError):
                self._problem(app_id, answer)
                continue
            kept = {one for one in self._found.get(app_id, ()) if one.drift not in MENDABLE}
            self._found[app_id] = kept | {self._told(app_id, change, apps.get(app_id)) for change in answer}
            if not answer and (details := self._seen.get(app_id)) is not None:
                self._memory.keep_look(app_id, details)

    def _leave_out(self, apps: Mapping[str, Declaration], last: Declared) -> None:
        """What a run has begun to change, or has changed, while it was looked at."""
        for app_id in [*self._found]:
            if app_id in last.busy or (app_id in apps and last.apps.get(app_id) != apps[app_id]):
                del self._found[app_id]
                self._report.skipped.append(app_id)

    def _problem(self, app_id: str, error: CommandError) -> None:
        self._report.problems.append(f"{self._place.app_stack(app_id)}: {error}")

    def _told(self, app_id: str, change: Change, app: Declaration | None) -> Finding:
        """The engine holds a webhook's URL for as secret as its secret; the app has told it."""
        found = change.finding(self._place.app_stack(app_id), self._place.organization)
        if found.resource == WEBHOOK and app and app.belongings:
            return replace(found, name=f"{app.repository} {app.belongings.webhook}")
        return found

    def _remember(self, apps: Mapping[str, Declaration], listed: Lists, turn: Sequence[str]) -> None:
        """What is as declared has to change to be looked at again; what isn't is looked at by every sweep."""
        scripts, repositories = self._memory.scripts(), self._memory.repositories()
        for app_id, app in apps.items():
            clean = not self._found.get(app_id) and app_id not in {*self._report.skipped, *self._untold}
            for place in app.places.values():
                if at := _modified(listed, place):
                    scripts[place.namespace, place.script] = at if clean else AGAIN
            if repository := _repository(app, listed):
                seen = (repository["updated_at"], repository["pushed_at"] or "")
                repositories[repository["id"]] = seen if clean else (AGAIN, AGAIN)
        self._memory.keep_scripts({key: at for key, at in scripts.items() if key in listed.scripts})
        there = {repository["id"] for repository in listed.repositories.values()}
        self._memory.keep_repositories({id_: seen for id_, seen in repositories.items() if id_ in there})
        for app_id in turn:
            self._memory.keep_look(app_id, None)
        self._memory.forget_looks(self._memory.looks().keys() - apps.keys() - {*self._report.skipped})


def _modified(listed: Lists, place: AppPlace) -> str | None:
    return (listed.scripts.get((place.namespace, place.script)) or {}).get("modified_on")


def _repository(app: Declaration, listed: Lists) -> Mapping[str, Any] | None:
    return listed.repositories.get(app.repository.partition("/")[2].lower())


def _changed_without_push(listed: Mapping[str, Any], known: tuple[str, str] | None) -> bool:
    """A push moves both times."""
    if known is None or listed["updated_at"] == known[0]:
        return False
    return known[0] == AGAIN or (listed["pushed_at"] or "") == known[1]
