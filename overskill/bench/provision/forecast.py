"""What the published limits make of more apps than can be waited for: the fleet's scheduler on a virtual clock.

Its machine is the measured one. How well it foretells is shown by the most apps that were measured too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from overskill.bench.provision import floor
from overskill.bench.provision.contenders import FLEET, FLOOR
from overskill.bench.provision.run import Run
from overskill.fleet.command import WORKERS
from overskill.fleet.costs import PLAIN
from overskill.fleet.simulation import Machine, Work, simulate

SIZES = (100, 1_000)
CALLS = {FLEET: PLAIN.create, FLOOR: floor.CALLS}
AT_ONCE = {FLEET: WORKERS, FLOOR: floor.AT_ONCE}


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """Seconds for so many apps; `measured` where these were made too."""

    contender: str
    apps: int
    seconds: float
    measured: float | None

    def json(self) -> dict[str, Any]:
        return asdict(self)


def forecast(runs: Mapping[tuple[str, int], Run]) -> Iterator[Forecast]:
    """By contender and number of apps, for the most of `runs` and for `SIZES`."""
    for name, calls in CALLS.items():
        sizes = [apps for contender, apps in runs if contender == name]
        machine = _machine(runs[name, min(sizes)], runs[name, max(sizes)], max(sizes), AT_ONCE[name])
        for apps in sorted({max(sizes), *SIZES}):
            run = runs.get((name, apps))
            seconds = simulate(Work("up", apps, calls), machine)
            yield Forecast(contender=name, apps=apps, seconds=seconds, measured=run.seconds if run else None)


def ratio_at(apps: int, foretold: Sequence[Forecast]) -> float:
    """The fleet's seconds over the floor's."""
    seconds = {each.contender: each.seconds for each in foretold if each.apps == apps}
    return seconds[FLEET] / seconds[FLOOR]


def _machine(least: Run, most: Run, apps: int, at_once: int) -> Machine:
    """An app waits for answers as long as the run of the fewest did beyond its work."""
    cores = psutil.cpu_count() or 1
    return Machine(cores=cores, workers=at_once, cpu=most.cpu / apps, waits=max(least.seconds - least.cpu, 0.0))
