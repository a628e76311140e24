"""`overskill migrate`."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import httpx
import typer

from control_plane.apps import Declaration
from infra.names import UrlKind
from overskill import control_plane_records
from overskill.drift import declared
from overskill.drift.examine import engine_of
from overskill.errors import CommandError
from overskill.fleet import costs
from overskill.fleet.budget import Budget, Reservation
from overskill.fleet.lease import leased
from overskill.fleet.limits import Calls
from overskill.fleet.platform import Platform
from overskill.fleet.scheduler import Job, Schedule, Scheduler
from overskill.migrate.urls import Migration
from overskill.options import Stack
from overskill.progress import step
from overskill.project import LOCAL_STACK, Project
from overskill.recovery import bring_up
from overskill.session import check
from overskill.stack_context import StackContext

KEY = "overskill:urls"
ENGINES, SECONDS = 2, 10.0

migrate = typer.Typer(no_args_is_help=True, help="A fleet from one way to another, in waves.")


@migrate.callback()
def group() -> None:
    """A fleet from one way to another, in waves."""


@migrate.command()
def urls(
    stack: Stack = LOCAL_STACK,
    *,
    back: Annotated[bool, typer.Option("--back", help="From subdomains back to paths.")] = False,
    wave: Annotated[int, typer.Option(min=1, help="So many apps at once at most; the first wave is one.")] = 100,
) -> None:
    """Give people the apps' subdomains instead of their paths. The same command goes on where it was stopped.

    Both kinds of address work before, meanwhile and after. Exits with 1 if an app could not be moved.
    """
    project, to = Project(), _kind(back=back)
    platform = Platform.of(project, stack)
    note = _note(project, stack, to)
    done = set(note.read_text().split()) if note.exists() else set()
    apps = declared.read(project, stack).apps
    left = [app for app_id, app in sorted(apps.items()) if app_id not in done]
    if platform.config.overskill.urls != to:
        _note(project, stack, _kind(back=not back)).unlink(missing_ok=True)
        _switch(project, stack, to, _migration(platform, to, wave, note), left)
        platform = Platform.of(project, stack)
    counted: Counter[str] = Counter()
    folder = project.home / "fleet"
    folder.mkdir(exist_ok=True)
    with leased(folder / "lock"):
        for outcome in _migration(platform, to, wave, note).run(left):
            counted[outcome.state] += 1
            print(f"{outcome.app_id:<20} {outcome.state:<10} {outcome.told}".rstrip(), flush=True)
    told = ", ".join(f"{count} {state}" for state, count in counted.most_common()) or "none"
    waiting = len(left) - counted.total()
    print(f"{told}; {len(done)} were moved before, {waiting} wait")
    if counted["unanswered"] or counted["failed"]:
        raise CommandError("nothing more was begun: mend that, and the same command goes on; --back takes all back")


def _switch(project: Project, stack: str, to: UrlKind, migration: Migration, apps: Sequence[Declaration]) -> None:
    """New apps get the new kind from now on. Not before the first app answers there: a domain may lead nowhere yet."""
    if apps and (told := migration.differing(apps[0])):
        raise CommandError(f"app {apps[0].app_id} does not answer at its new address, and nothing was changed: {told}")
    context = StackContext(project, stack)
    before = context.config.overskill.urls
    context.engine.capture("config", "set", KEY, to, "--stack", stack)
    try:
        with step(f"Platform {stack}: pulumi up") as running:
            outcome = context.engine.up(stack)
            check(outcome, f"pulumi up of stack {stack}")
            running.detail = f"{KEY} is {to}, {outcome.summary()}"
    except CommandError:
        context.engine.capture("config", "set", KEY, before, "--stack", stack)
        raise


def _migration(platform: Platform, to: UrlKind, largest: int, note: Path) -> Migration:
    spent: list[tuple[float, Calls]] = []

    def move(apps: Sequence[Declaration]) -> Mapping[str, str]:
        return asyncio.run(_bring_up(platform, [app.app_id for app in apps], spent))

    def moved(app_id: str) -> None:
        with note.open("a") as file:
            file.write(f"{app_id}\n")

    origins = platform.config.overskill.origins
    return Migration(origins=origins, to=to, largest=largest, status=status, move=move, moved=moved)


async def _bring_up(platform: Platform, app_ids: Sequence[str], spent: list[tuple[float, Calls]]) -> Mapping[str, str]:
    """One wave within the limits, of which the waves before have `spent` calls at those times; why each has failed."""
    loop, budget = asyncio.get_running_loop(), Budget(platform.limits)
    budget.recall((time.monotonic() - at, calls) for at, calls in spent)
    schedule = Schedule.of(Job(app_id, "up", costs.PLAIN.create) for app_id in app_ids)
    with ThreadPoolExecutor(ENGINES) as threads:

        async def do(job: Job, reservation: Reservation) -> None:
            reservation.spent = await loop.run_in_executor(threads, _up, platform, job.app_id)
            spent.append((time.monotonic(), reservation.spent))

        await Scheduler(schedule, budget, ENGINES).run(do)
    return schedule.failed


def _up(platform: Platform, app_id: str) -> Calls:
    stack = platform.app_stack(app_id)
    outcome, _ = bring_up(engine_of(platform, app_id), stack, platform.clouds(), unfinished=False)
    check(outcome, f"pulumi up of stack {stack}")
    control_plane_records.declare(platform.project, platform.stack, outcome.outputs)
    return costs.PLAIN.made(outcome, refreshed=False)


def _kind(*, back: bool) -> UrlKind:
    return "path" if back else "subdomain"


def _note(project: Project, stack: str, to: UrlKind) -> Path:
    """Which apps are moved already."""
    folder = project.home / "migrate"
    folder.mkdir(exist_ok=True)
    return folder / f"{stack}.{to}"


def status(url: str) -> int:
    """What a GET answers, 0 for nothing. Names below `localhost` are asked for at 127.0.0.1."""
    asked = httpx.URL(url)
    headers = {"Host": asked.netloc.decode()}
    if asked.host.endswith(".localhost"):
        asked = asked.copy_with(host="127.0.0.1")
    try:
        return httpx.get(asked, headers=headers, timeout=SECONDS, trust_env=False).status_code
    except httpx.HTTPError:
        return 0
