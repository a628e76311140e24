"""A whole fleet on a virtual clock, by the scheduler and the buckets that run the real one.

It answers how long 50,000 apps take, and what bounds that, before there are any.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from overskill.fleet import virtual_clock
from overskill.fleet.budget import Budget, Reservation
from overskill.fleet.estimate import Estimate
from overskill.fleet.limits import PUBLISHED, Calls, Limit
from overskill.fleet.scheduler import Job, Operation, Schedule, Scheduler


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What runs the engine. An app takes `cpu` seconds of one of its `cores`, and `waits` seconds for answers."""

    cores: int = 2
    workers: int = 4
    cpu: float = 3.5
    waits: float = 1.0


@dataclass(frozen=True)
class Work:
    """So many `apps`, each with the `calls` of one run."""

    operation: Operation
    apps: int
    calls: Calls


def simulate(work: Work, machine: Machine, limits: Sequence[Limit] = PUBLISHED) -> float:
    """The seconds that it takes on a clock of its own."""
    return virtual_clock.run(_run(work, machine, limits))


def fastest(work: Work, machine: Machine, limits: Sequence[Limit] = PUBLISHED) -> Estimate:
    """The closed form: what the limits and the cores allow at best, and which of them it is."""
    engine = Estimate(work.apps * machine.cpu / machine.cores, "the engine")
    by_limit = [
        Estimate(limit.soonest(work.apps * calls), limit.name)
        for limit in limits
        if (calls := getattr(work.calls, limit.kind))
    ]
    return max([engine, *by_limit])


async def _run(work: Work, machine: Machine, limits: Sequence[Limit]) -> float:
    cores = asyncio.Semaphore(machine.cores)

    async def do(_job: Job, _reservation: Reservation) -> None:
        async with cores:
            await asyncio.sleep(machine.cpu)
        await asyncio.sleep(machine.waits)

    schedule = Schedule.of(Job(f"app-{number}", work.operation, work.calls) for number in range(work.apps))
    await Scheduler(schedule, Budget(limits), machine.workers).run(do)
    return asyncio.get_running_loop().time()
