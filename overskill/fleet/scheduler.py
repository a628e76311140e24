"""A pool of workers over the jobs of a fleet run. The clock is the event loop's: a real one, or a simulation's."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from overskill.fleet.budget import Budget, NeverHeld, Reservation
from overskill.fleet.limits import Calls

Operation = Literal["up", "verify", "suspend", "destroy", "rebuild"]
Do = Callable[["Job", Reservation], Awaitable[None]]


@dataclass(frozen=True)
class Job:
    """What is done to one app, and the calls that this makes at most."""

    app_id: str
    operation: Operation
    calls: Calls


@dataclass
class Schedule:
    """How far each job is. `held` wait for the budget, `running` has when each was begun, by the loop's clock.

    `failed` has the causes by app id. `seconds` is the sum of the runs that have ended, without their wait; `reserved`
    are the calls that were taken for those, `spent` the ones that they have made.
    """

    waiting: deque[Job]
    held: list[Job] = field(default_factory=list)
    running: dict[Job, float] = field(default_factory=dict)
    succeeded: list[Job] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    reserved: Calls = field(default_factory=Calls)
    spent: Calls = field(default_factory=Calls)

    @classmethod
    def of(cls, jobs: Iterable[Job]) -> "Schedule":
        return cls(deque(jobs))

    @property
    def ended(self) -> int:
        return len(self.succeeded) + len(self.failed)

    @property
    def not_begun(self) -> list[Job]:
        return [*self.held, *self.waiting]


class Scheduler:
    """Runs each job of `schedule` once, so many at a time as there are `workers`, in the order given."""

    def __init__(self, schedule: Schedule, budget: Budget, workers: int) -> None:
        self.schedule = schedule
        self.budget = budget
        self.workers = workers
        self._stopping = False
        self._holding: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        """Begin no further job. What runs goes on to its end, and then `run` returns."""
        self._stopping = True
        for task in self._holding:
            task.cancel()

    async def run(self, do: Do, told: Callable[[Job], None] = lambda job: None) -> None:
        """`do` carries a job out; what it raises is why that one has failed, and stops no other.

        `told` hears of each that has ended.
        """
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self.workers, len(self.schedule.waiting))):
                group.create_task(self._work(do, told))

    async def _work(self, do: Do, told: Callable[[Job], None]) -> None:
        task = asyncio.current_task()
        while self.schedule.waiting and not self._stopping:
            job = self.schedule.waiting.popleft()
            self.schedule.held.append(job)
            self._holding.add(task)
            try:
                async with self.budget.reserved(job.calls) as reservation:
                    self._holding.discard(task)
                    self.schedule.held.remove(job)
                    await self._carry_out(job, do(job, reservation))
                self.schedule.reserved += job.calls
                self.schedule.spent += reservation.spent
            except NeverHeld as error:
                self._holding.discard(task)
                self.schedule.held.remove(job)
                self.schedule.failed[job.app_id] = str(error)
            except asyncio.CancelledError:
                if not self._stopping or task.uncancel():
                    raise
                return
            told(job)

    async def _carry_out(self, job: Job, work: Awaitable[None]) -> None:
        clock = asyncio.get_running_loop().time
        self.schedule.running[job] = clock()
        try:
            await work
        except Exception as error:
            self.schedule.failed[job.app_id] = str(error) or type(error).__name__
        else:
            self.schedule.succeeded.append(job)
        finally:
            self.schedule.seconds += clock() - self.schedule.running.pop(job)
