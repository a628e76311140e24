"""One rebuild: what it has to make, made by so many workers under the limits, each script noted when it is done."""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from control_plane.app_store import AppStore
from control_plane.apps import Declaration
from control_plane.broker.refusals import Refused
from control_plane.rebuilding import Item, Miss, Rebuilder, chosen, items, lost_data, state_of, translated
from control_plane.tables import App
from infra.outputs import PlatformOutputs
from overskill.errors import CommandError
from overskill.fleet.budget import Budget, Reservation
from overskill.fleet.limits import Calls
from overskill.fleet.scheduler import Job, Schedule, Scheduler
from overskill.rebuild.journal import Journal
from overskill.rebuild.report import Report

FILES_AT_ONCE = 1000
"""Assets that one upload has at most."""

Texts = Callable[[str], Mapping[str, str]]
"""The texts of an app's secrets, by its id."""


@dataclass
class Plan:
    """What is to be made. `misses` are known before: data in another account, deploys that are not kept."""

    apps: dict[str, tuple[App, Declaration]] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    misses: list[Miss] = field(default_factory=list)

    @classmethod
    def of(cls, rebuilder: Rebuilder, outputs: PlatformOutputs, account: str, app_ids: list[str]) -> "Plan":
        """Apps that the platform knows are made as it declares them; others as they were, in its terms. `account` is
        where those come from. Raises `CommandError` for an app that there is not."""
        plan = cls()
        with rebuilder.source.reading() as session, rebuilder.database.reading() as own:
            try:
                found = chosen(session, app_ids)
            except KeyError as missing:
                raise CommandError(f"there is no app {missing.args[0]} in the records") from None
            for app in found:
                declared, known = Declaration.model_validate(app.declared), own.get(App, app.id)
                here = Declaration.model_validate(known.declared) if known else None
                plan._take(app, declared, here or translated(declared, outputs, account=account))
                lost = {miss.script for miss in plan.misses}
                for item in items(session, rebuilder.bundles, plan.apps[app.id][1]):
                    if item.target.script not in lost:
                        plan.items.append(item)
                    if item.older:
                        plan.misses.append(Miss(item.target.script, "its last deploy, which is not kept", "a push"))
        return plan

    def _take(self, app: App, declared: Declaration, here: Declaration) -> None:
        self.apps[app.id] = app, here
        self.misses += lost_data(declared, here)


class Run:
    """Carries a plan out; `told` hears of each job that has ended."""

    def __init__(self, rebuilder: Rebuilder, plan: Plan, journal: Journal, texts: Texts, into: str) -> None:
        self._rebuilder, self._plan, self._journal, self._texts = rebuilder, plan, journal, texts
        self.report = Report(into, len(plan.apps), misses=list(plan.misses))
        left = [item for item in plan.items if not journal.has(item)]
        self.report.before = len(plan.items) - len(left)
        self._items = {item.target.script: item for item in left}
        self.schedule = Schedule.of(Job(script, "rebuild", _calls(item)) for script, item in self._items.items())

    def restore_states(self, store: AppStore) -> None:
        """Before anything is served again: what the operators have stopped stays so. Raises `CloudflareError`."""
        stopped = store.suspended()
        with self._rebuilder.source.reading() as session:
            for app, _ in self._plan.apps.values():
                if app.id not in stopped and (state := state_of(session, app)):
                    store.set_state(app.id, state)

    async def carry_out(self, budget: Budget, workers: int, told: Callable[[Job], None]) -> bool:
        """Whether all is made. What has failed is in the report, and the same command tries it again."""
        began = time.monotonic()
        for app, here in self._plan.apps.values():
            await asyncio.to_thread(self._rebuilder.declare, app, here)
        await Scheduler(self.schedule, budget, workers).run(self._do, told)
        self.report.failed, self.report.seconds = dict(self.schedule.failed), time.monotonic() - began
        if not self.schedule.failed:
            self._journal.close()
        return not self.schedule.failed

    async def _do(self, job: Job, reservation: Reservation) -> None:
        item = self._items[job.app_id]
        texts = await asyncio.to_thread(self._texts, item.target.app_id) if item.secrets else {}
        had = {name: texts[name] for name in item.secrets if name in texts}
        try:
            rebuilt = await self._rebuilder.rebuild(item, had)
        except Refused as refused:
            raise CommandError(refused.message) from None
        reservation.spent = Calls(cloudflare=rebuilt.calls)
        self._journal.note(item, rebuilt)
        self.report.calls += rebuilt.calls
        self.report.proofs[rebuilt.proof] = self.report.proofs.get(rebuilt.proof, 0) + 1
        self.report.slowest = max(self.report.slowest, rebuilt.seconds)
        if item.bundle:
            self.report.rebuilt += 1
        else:
            self.report.pages += 1
        for name in sorted({*item.secrets} - {*had}):
            mend = f"./dev app update {item.target.app_id}, or fleet apply --verify: its stack has the text"
            self.report.misses.append(Miss(item.target.script, f"secret {name}", mend))


def _calls(item: Item) -> Calls:
    """At most, with room for one more upload of assets than their number asks for."""
    uploads = 1 + math.ceil(item.files / FILES_AT_ONCE) if item.files else 0
    return Calls(cloudflare=(2 + uploads) if item.files else 2)
