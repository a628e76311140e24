"""How far a fleet run is: a table that follows it on a terminal, a line for each app elsewhere."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress

from rich.console import Console
from rich.live import Live
from rich.table import Table

from overskill.fleet.budget import Budget
from overskill.fleet.estimate import ENGINE, Estimate, estimate
from overskill.fleet.scheduler import Job, Schedule
from overskill.progress import duration

REFRESH = 0.5
"""Seconds between two looks."""

LAST = 5
"""Failures that the table shows; all are told at the end."""

WORDS = {"up": "brought up", "verify": "verified", "suspend": "suspended", "destroy": "destroyed", "rebuild": "rebuilt"}


def rendered(schedule: Schedule, left: Estimate, now: float) -> Table:
    """`now` is the loop's time."""
    whole = schedule.ended + len(schedule.running) + len(schedule.not_begun)
    ended = f"{schedule.ended} of {whole}, {len(schedule.failed)} failed"
    table = Table("app", "is being", "for", box=None, pad_edge=False)
    table.title = f"{ended}; {duration(left.seconds)} left, by {left.bottleneck}"
    for job, since in list(schedule.running.items()):
        table.add_row(job.app_id, WORDS[job.operation], duration(now - since))
    for job in schedule.held:
        table.add_row(job.app_id, "held by a limit", "")
    for app_id in list(schedule.failed)[-LAST:]:
        table.add_row(app_id, "failed", schedule.failed[app_id].splitlines()[0])
    return table


class Progress:
    """Told of each job that ends; `follow` shows the rest. All goes to standard error."""

    def __init__(self, schedule: Schedule, budget: Budget, workers: int, work: str = ENGINE) -> None:
        """`work` is what the jobs wait for where it is no limit."""
        self._console = Console(stderr=True, highlight=False)
        self._schedule = schedule
        self._left: Callable[[float], Estimate] = lambda now: estimate(schedule, budget, workers, now, work)
        self._rendered: Callable[[float], Table] = lambda now: rendered(schedule, self._left(now), now)

    def told(self, job: Job) -> None:
        failed = job.app_id in self._schedule.failed
        if self._console.is_terminal and not failed:
            return
        left = self._left(asyncio.get_running_loop().time())
        what = f"✗ {job.app_id}: failed" if failed else f"✓ {job.app_id}: {WORDS[job.operation]}"
        whole = f"{self._schedule.ended} ended, {duration(left.seconds)} left, by {left.bottleneck}"
        self._console.print(f"{what} ({whole})", markup=False, soft_wrap=True)

    async def follow(self, work: asyncio.Task[bool]) -> bool:
        """Show the table until `work` has ended; its result."""
        if not sys.stderr.isatty():
            return await work
        clock = asyncio.get_running_loop().time
        with Live(self._rendered(clock()), console=self._console, transient=True, auto_refresh=False) as live:
            while not work.done():
                live.update(self._rendered(clock()), refresh=True)
                with suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(work), REFRESH)
        return work.result()
