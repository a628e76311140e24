"""What the dispatch Worker costs a request: beside the app called directly, and a Worker that only forwards to it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from overskill.bench.dispatch_result import BUSY, Arrangement, Case, Settings
from overskill.bench.load import Load, Target
from overskill.bench.local_edge import local_edge
from overskill.bench.one_workerd import one_workerd
from overskill.bench.samples import in_turn
from overskill.local_cloud_process import Programs
from overskill.progress import Step, step

Rows = Mapping[str, Sequence[Target]]


@dataclass(frozen=True, kw_only=True)
class Bench:
    """`source` has the dispatch Worker's modules; `folder` is for files of this run."""

    load: Load
    settings: Settings
    source: Path
    folder: Path

    def one_workerd(self, workerd: Path) -> Arrangement:
        """A process for each number of apps. Raises `CommandError` for a wrong answer."""
        cases: list[Case] = []
        for apps in self.settings.apps:
            with (
                step(f"In one workerd, {_apps(apps)}") as running,
                one_workerd(workerd, self.source, apps, self.folder) as rows,
            ):
                cold = self.load.once(rows["dispatcher"])
                cases += self._cases(apps, rows, running)
        return Arrangement(cases=cases, cold=cold)

    def local_edge(self, programs: Programs) -> Arrangement:
        """On one local cloud. Raises `CommandError` for a wrong answer, and as `local_edge` does."""
        most = max(self.settings.apps)
        with step(f"On the local cloud, {_apps(most)}") as running:
            running.detail = "deploying"
            with local_edge(programs, self.source, most, self.folder) as rows:
                cold = self.load.once(rows["dispatcher"])
                cases = [
                    case
                    for apps in self.settings.apps
                    for case in self._cases(apps, {row: targets[:apps] for row, targets in rows.items()}, running)
                ]
        return Arrangement(cases=cases, cold=cold)

    def _cases(self, apps: int, rows: Rows, running: Step) -> Iterator[Case]:
        """Each after all rows have answered once for each app, and were under load."""
        seconds = self.settings.seconds
        for targets in rows.values():
            self.load.once(targets)
            self.load.steady(targets, concurrency=BUSY, seconds=self.settings.warm)
        for concurrency in self.settings.concurrency:
            running.detail = f"{_apps(apps)}, concurrency {concurrency}"
            rounds = in_turn(
                list(rows),
                self.settings.rounds,
                lambda row, at_once=concurrency: self.load.steady(rows[row], concurrency=at_once, seconds=seconds),
            )
            yield Case(apps=apps, concurrency=concurrency, rounds=rounds)


def _apps(count: int) -> str:
    return "1 app" if count == 1 else f"{count} apps"
