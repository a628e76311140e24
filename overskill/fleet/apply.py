"""A fleet run: what `apps.yaml` says is compared with the index, and the engine runs for what differs."""

import asyncio
import shutil
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import ValidationError

from app_stacks.config import AppConfig
from control_plane.app_store import AppStore
from overskill import app_stack_file, control_plane_records
from overskill.app_stack_file import is_encrypted
from overskill.engine import Engine, Outcome
from overskill.fleet import apps_file, costs, desired_state
from overskill.fleet.apps_file import AppsFile
from overskill.fleet.budget import Budget, Reservation
from overskill.fleet.costs import Costs
from overskill.fleet.desired_state import Desired
from overskill.fleet.index import Index
from overskill.fleet.lease import leased
from overskill.fleet.limits import Calls
from overskill.fleet.plan import Absent, Plan, plan, unfinished
from overskill.fleet.platform import WEBHOOK_SECRET, Platform
from overskill.fleet.projects import StackHome, home, note_apps_file
from overskill.fleet.scheduler import Job, Schedule, Scheduler
from overskill.recovery import bring_up, take_down
from overskill.removal import Removal, Removals
from overskill.session import check


class Fleet:
    """One run over the apps of one platform stack, which has the index to itself: made by `opened`."""

    def __init__(self, platform: Platform, wanted: AppsFile, index: Index, removals: Removals, lease: int) -> None:
        self.platform = platform
        self._index = index
        self._removals = removals
        self._lease = lease
        secret = platform.environment[WEBHOOK_SECRET]
        common = desired_state.common(platform.project.root, platform.outputs, secret)
        self._desired: dict[str, Desired] = {}
        for app in wanted.apps:
            config = platform.app_values(app.config)
            self._desired[app.id] = Desired(
                config, desired_state.digest(common, config), self._costs(app.id, app.config)
            )
        self._known = index.entries(platform.stack)
        self._absent = [app_id for app_id in wanted.absent if app_id in self._known or self._home(app_id).file.exists()]

    @classmethod
    @contextmanager
    def opened(cls, platform: Platform, file: Path, removal: Removal) -> Iterator["Fleet"]:
        """Raises `InvalidAppsFile`; waits for another run to end."""
        wanted = apps_file.read(file, platform.config.overskill.app_environments)
        folder = platform.project.home / "fleet"
        folder.mkdir(exist_ok=True)
        note_apps_file(platform.project, platform.stack, file)
        with (
            leased(folder / "lock") as lease,
            closing(Index(folder / "index.sqlite")) as index,
            AppStore.of(platform.config, platform.environment) as store,
        ):
            yield cls(platform, wanted, index, Removals(store, removal), lease)

    def plan(self, *, verify: bool) -> Plan:
        absent = {app_id: Absent(self._removals.step(app_id), self._costs_of(app_id)) for app_id in self._absent}
        return plan(self._desired, absent, self._known, self._removals.due.keys(), verify=verify)

    async def run(self, schedule: Schedule, budget: Budget, workers: int, told: Callable[[Job], None]) -> bool:
        """Carry the schedule out; `told` hears of each job that has ended. Whether it went on to its end.

        Ctrl-C and SIGTERM let what runs come to its end, and nothing more is begun.
        """
        budget.recall(self._index.recent_calls())
        scheduler, loop = Scheduler(schedule, budget, workers), asyncio.get_running_loop()

        def stop() -> None:
            print("finishing what runs; nothing more is begun", file=sys.stderr)
            scheduler.stop()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
        with ThreadPoolExecutor(workers) as threads:

            async def do(job: Job, reservation: Reservation) -> None:
                platform, place, app_id = self.platform.stack, self._home(job.app_id), job.app_id
                digest = self._desired[app_id].digest if app_id in self._desired else ""
                stack = f"{place.project}/{self.platform.app_stack(app_id)}"
                run = self._index.begin(platform, app_id, stack, digest, job.calls)
                try:
                    reservation.spent = await loop.run_in_executor(threads, self._carry_out, job, place)
                except Exception as problem:
                    self._index.end(platform, app_id, run, job.calls, str(problem) or repr(problem))
                    raise
                self._index.end(platform, app_id, run, reservation.spent)
                if job.operation == "destroy":
                    self._index.forget(platform, app_id)

            await scheduler.run(do, told)
        return not schedule.not_begun

    async def preview(
        self, jobs: Iterable[Job], budget: Budget, workers: int, told: Callable[[Job, Outcome], None]
    ) -> None:
        """Ask the engine what it would do to each app that exists and would be brought up; `told` hears of each."""
        budget.recall(self._index.recent_calls())
        asked = [job for job in jobs if job.operation in ("up", "verify") and job.app_id in self._known]
        asked = [
            replace(job, calls=self._costs_of(job.app_id).refresh if self._refreshed(job) else costs.SESSION)
            for job in asked
        ]
        with ThreadPoolExecutor(workers) as threads:

            async def do(job: Job, _reservation: Reservation) -> None:
                told(job, await asyncio.get_running_loop().run_in_executor(threads, self._preview, job))

            await Scheduler(Schedule.of(asked), budget, workers).run(do)

    def _preview(self, job: Job) -> Outcome:
        place = self._home(job.app_id)
        with TemporaryDirectory() as folder:
            file = Path(folder) / place.file.name
            shutil.copy(place.file, file)
            app_stack_file.write(file, self._values(job.app_id, file))
            engine, stack = self._engine(place), self.platform.app_stack(job.app_id)
            return engine.preview(stack, file, refresh=self._refreshed(job))

    def _home(self, app_id: str) -> StackHome:
        return home(self.platform.project, app_id, self.platform.app_stack(app_id))

    def _carry_out(self, job: Job, place: StackHome) -> Calls:
        """Run the engine, and return the calls that were made. Raises `CommandError`."""
        if job.operation == "suspend":
            self._removals.begin(job.app_id)
            return job.calls
        if job.operation == "destroy":
            self._removals.require_due(job.app_id)
        calls = self._run_engine(job, place)
        if job.app_id in self._removals.due:
            self._removals.end(job.app_id)
            return calls if job.operation == "destroy" else job.calls
        return calls

    def _run_engine(self, job: Job, place: StackHome) -> Calls:
        engine, stack, refresh = self._engine(place), self.platform.app_stack(job.app_id), self._refreshed(job)
        app_stack_file.write(place.file, self._values(job.app_id, place.file))
        if job.operation == "destroy":
            check(take_down(engine, stack, unfinished=refresh), f"pulumi destroy of stack {stack}")
            if self._removals.wanted.delete_repository:
                self.platform.clouds().delete_archived(job.app_id)
            place.file.unlink(missing_ok=True)
            platform = self.platform
            left = control_plane_records.forget(
                platform.project, platform.stack, platform.config, platform.environment, job.app_id
            )
            return job.calls + Calls(cloudflare=left)
        if job.app_id not in self._known:
            engine.make(stack)
        outcome, adopted = bring_up(engine, stack, self.platform.clouds(), unfinished=refresh)
        check(outcome, f"pulumi up of stack {stack}")
        control_plane_records.declare(self.platform.project, self.platform.stack, outcome.outputs)
        return job.calls if adopted else self._costs_of(job.app_id).made(outcome, refreshed=refresh)

    def _costs_of(self, app_id: str) -> Costs:
        """Those of an app that shall not be are what its stack file tells."""
        if app_id in self._desired:
            return self._desired[app_id].costs
        return self._costs(app_id, app_stack_file.own_values(app_stack_file.read(self._home(app_id).file)))

    def _costs(self, app_id: str, own: Mapping[str, Any]) -> Costs:
        plain = {key: value for key, value in own.items() if not is_encrypted(value)}
        try:
            app = AppConfig.model_validate({**plain, "platformStack": self.platform.stack, "appId": app_id})
        except ValidationError:
            # A file of before has a key that there is no more.
            return costs.PLAIN
        namespaces = len(self.platform.config.overskill.namespaces)
        return Costs(app, oidc_subject=bool(self.platform.outputs.get("oidcSubject")), namespaces=namespaces)

    def _engine(self, place: StackHome) -> Engine:
        return self.platform.engine(place, lease=self._lease)

    def _refreshed(self, job: Job) -> bool:
        """Whether the run looks first at what exists."""
        return job.operation == "verify" or unfinished(self._known.get(job.app_id))

    def _values(self, app_id: str, file: Path) -> Mapping[str, Any]:
        """The `config` of an app's stack file as it shall be. What is encrypted in it stays; no file can say that."""
        wanted = self._desired.get(app_id)
        return {**app_stack_file.encrypted(file), **(wanted.config if wanted else self.platform.app_values({}))}
