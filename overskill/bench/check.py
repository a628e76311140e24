"""What it takes to find that nothing differs: by lists, and by a refresh of each stack."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from overskill.bench.checkout import Checkout
from overskill.bench.growth import Growth
from overskill.bench.provision.contenders import Program
from overskill.bench.provision.run import Run, measured
from overskill.bench.result import Goal, result
from overskill.fleet.projects import home
from overskill.progress import step
from overskill.project import LOCAL_STACK

FEWER_CALLS, FROM_APPS = 20.0, 1000
"""What is wanted of a fleet; the lists of a few apps cost more calls than the apps do."""

DRIFT, REFRESH = "drift", "refresh"
REFRESH_ALL = """
while [ "$#" -gt 0 ]; do
    "$PYTHON" -m overskill pulumi -C "$1" refresh --preview-only --expect-no-changes --non-interactive -s "$2"
    shift 2
done
"""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`apps` are the sizes, one after the other."""

    apps: Sequence[int]


@dataclass(frozen=True, kw_only=True)
class Row:
    """What a contender has taken for so many apps."""

    name: str
    apps: int
    run: Run

    @property
    def calls(self) -> int:
        return self.run.calls["cloudflare"] + self.run.calls["github"]

    def json(self) -> dict[str, Any]:
        figures = {"seconds": self.run.seconds, "cpuSeconds": self.run.cpu, "memoryBytes": self.run.memory}
        return {"contender": self.name, "apps": self.apps, **figures, "calls": self.calls}


def measure(checkout: Checkout, settings: Settings, folder: Path) -> list[Row]:
    """Make the apps, look at them twice by `overskill drift`, of which the second is measured, and refresh each.

    Raises `CommandError` where one fails, or finds that something differs.
    """
    rows = []
    for apps in sorted(settings.apps):
        names = [f"check-{number}x" for number in range(apps)]
        file = folder / "checked.yaml"
        file.write_text(yaml.safe_dump({"apps": [{"id": name} for name in names]}))
        with step(f"{apps} apps, made and looked at") as running:
            checkout.run("fleet", "apply", str(file))
            checkout.run("drift")
            for name, program in _programs(checkout, names).items():
                running.detail = name
                run = measured(program, checkout, folder / f"{name}-{apps}.log")
                rows.append(Row(name=name, apps=apps, run=run))
    return rows


def report(rows: Sequence[Row], settings: Settings, *, quick: bool, versions: Mapping[str, str]) -> dict[str, Any]:
    """The whole result. `ratio` is the calls of the refreshes over those of the sweep, for the most apps."""
    most = max(settings.apps)
    calls = {(row.name, row.apps): row.calls for row in rows}
    ratio = calls[REFRESH, most] / calls[DRIFT, most]
    return result(
        "check",
        quick=quick,
        versions=versions,
        settings=settings,
        goals=[
            Goal(name=f"calls of the refreshes, of the sweep's, {most} apps", measured=ratio, at_least=FEWER_CALLS)
            for _ in range(most >= FROM_APPS)
        ],
        ratio=ratio,
        ratioOf=f"calls of a refresh of each stack over those of a sweep, {most} apps",
        rows=[row.json() for row in rows],
        growth=[each.json() for each in _growth(rows)],
    )


def _programs(checkout: Checkout, names: Sequence[str]) -> Mapping[str, Program]:
    """By name: the sweep, and a refresh of the platform's stack and of each app's, in the project where it is."""
    folder = checkout.project.root
    stacks = [str(folder), LOCAL_STACK]
    stacks += [
        word
        for name in names
        for stack in (f"{LOCAL_STACK}.{name}",)
        for word in (str(home(checkout.project, name, stack).folder), stack)
    ]
    environment = {**checkout.environment, "PYTHON": sys.executable}
    return {
        DRIFT: Program(command=checkout.command("drift"), folder=folder, environment=checkout.environment),
        REFRESH: Program(
            command=["bash", "-ec", REFRESH_ALL, "refresh", *stacks], folder=folder, environment=environment
        ),
    }


def _growth(rows: Sequence[Row]) -> Iterator[Growth]:
    for unit in ("calls", "seconds"):
        for name in (DRIFT, REFRESH):
            own = [row for row in rows if row.name == name]
            figures = [row.calls if unit == "calls" else row.run.seconds for row in own]
            yield Growth(name=name, unit=unit, apps=[row.apps for row in own], figures=figures)
