"""`overskill fleet`: many apps by one file."""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from overskill.engine import Outcome
from overskill.errors import CommandError
from overskill.fleet import costs
from overskill.fleet.apply import Fleet
from overskill.fleet.budget import Budget
from overskill.fleet.estimate import estimate
from overskill.fleet.limits import Calls
from overskill.fleet.plan import Plan
from overskill.fleet.platform import Platform
from overskill.fleet.scheduler import Job, Operation, Schedule
from overskill.fleet.simulation import Machine, Work, fastest, simulate
from overskill.fleet.table import Progress
from overskill.options import Stack
from overskill.progress import duration
from overskill.project import LOCAL_STACK, Project
from overskill.removal import GRACE_DAYS, DeleteRepository, GraceDays, Now, Removal

STOPPED = 130
CORES = os.cpu_count() or 1
WORKERS = CORES + 1
"""An app's run waits for answers now and then: one more than there are cores keeps them busy."""

fleet = typer.Typer(no_args_is_help=True, help="Many apps at once, by a file that lists them.")


@fleet.command()
def apply(  # noqa: PLR0913 - an option each
    file: Annotated[Path, typer.Argument(help="The apps that there shall be, such as apps.yaml.")],
    *,
    stack: Stack = LOCAL_STACK,
    workers: Annotated[int, typer.Option(min=1, help="Engines at once.")] = WORKERS,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would be done, with the engine's previews, and do nothing.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Look at unchanged apps too, and mend what differs there.")
    ] = False,
    grace: GraceDays = GRACE_DAYS,
    now: Now = False,
    delete_repository: DeleteRepository = False,
) -> None:
    """Bring all apps of a file to what it says. An app that is as the file says costs nothing.

    Ctrl-C finishes what runs; the same command goes on later. Exits with 1 if an app has failed.
    """
    began = time.monotonic()
    platform = Platform.of(Project(), stack)
    removal = Removal.of(grace, now=now, delete_repository=delete_repository)
    with Fleet.opened(platform, file, removal) as opened:
        planned = opened.plan(verify=verify)
        schedule = Schedule.of(planned.jobs)
        if dry_run:
            asyncio.run(_show_plan(opened, planned, Budget(platform.limits), workers))
            return
        whole = asyncio.run(_apply(opened, schedule, workers))
    _show_end(planned, schedule, time.monotonic() - began)
    if schedule.failed:
        told = "\n".join(f"{app_id}: {cause}" for app_id, cause in schedule.failed.items())
        raise CommandError(f"{len(schedule.failed)} of the apps failed; the same command tries them again:\n{told}")
    if not whole:
        print(f"stopped, {len(schedule.not_begun)} not begun; the same command goes on", file=sys.stderr)
        raise typer.Exit(STOPPED)


@fleet.command("simulate")
def simulate_fleet(
    apps: Annotated[int, typer.Argument(min=1)] = 50_000,
    cores: Annotated[int, typer.Option(min=1)] = CORES,
    workers: Annotated[int, typer.Option(min=1)] = WORKERS,
    cpu: Annotated[float, typer.Option(min=0.0, help="Seconds of one core for an app's run.")] = Machine().cpu,
) -> None:
    """Tell how long it takes to create so many apps, and to look at each, and what bounds that; no app is touched."""
    machine = Machine(cores=cores, workers=workers, cpu=cpu)
    kinds: dict[str, tuple[Operation, Calls]] = {
        "create": ("up", costs.PLAIN.create),
        "verify": ("verify", costs.PLAIN.refresh),
    }
    for name, (operation, calls) in kinds.items():
        work = Work(operation, apps, calls)
        bound = fastest(work, machine)
        print(f"{name}: {duration(simulate(work, machine))}, at best {duration(bound.seconds)}, by {bound.bottleneck}")


async def _apply(opened: Fleet, schedule: Schedule, workers: int) -> bool:
    budget = Budget(opened.platform.limits)
    progress = Progress(schedule, budget, workers)
    return await progress.follow(asyncio.create_task(opened.run(schedule, budget, workers, progress.told)))


async def _show_plan(opened: Fleet, planned: Plan, budget: Budget, workers: int) -> None:
    for job in planned.jobs:
        print(f"{job.operation:<8} {job.app_id}")
    await opened.preview(planned.jobs, budget, workers, _show_preview)
    schedule = Schedule.of(planned.jobs)
    left = estimate(schedule, budget, workers, asyncio.get_running_loop().time())
    print(
        f"{len(planned.jobs)} to do, {len(planned.unchanged)} unchanged; {duration(left.seconds)}, by {left.bottleneck}"
    )
    _show_others(planned)


def _show_preview(job: Job, previewed: Outcome) -> None:
    told = ", ".join(previewed.steps) or "nothing to do"
    print(f"{job.app_id}: {told if previewed.ok else f'the preview failed: {previewed.failure()}'}")


def _show_end(planned: Plan, schedule: Schedule, seconds: float) -> None:
    counts = f"{len(schedule.succeeded)} done, {len(schedule.failed)} failed, {len(planned.unchanged)} unchanged"
    print(f"{counts}, {duration(seconds)}")
    _show_others(planned)


def _show_others(planned: Plan) -> None:
    if planned.waiting:
        print(f"suspended, and removed once their time of grace is over: {_some(planned.waiting)}; --now removes them")
    if planned.left_out:
        print(f"not in the file, and left as they are: {_some(planned.left_out)}; absent: destroys them")


def _some(apps: Sequence[str]) -> str:
    """`3 (a, b, c)`."""
    return f"{len(apps)} ({', '.join(apps[:10])}{', ...' if len(apps) > 10 else ''})"
