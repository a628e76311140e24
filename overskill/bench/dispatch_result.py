"""What the benchmark of the dispatch Worker has found: its figures, its goals, and where the time goes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from overskill.bench.growth import Growth
from overskill.bench.result import Goal, result
from overskill.bench.samples import Rounds, Sample, Spread, added_p50, compared, ratio

BASE = "forwarder"
ALONE, BUSY = 1, 16
"""Requests in flight at once. With one, latency tells what a request costs; with more, the rate what workerd can do."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How much is measured: in each round every row is under load for so many seconds.

    Before the first, each is for `warm` seconds: V8 compiles what runs often in several steps, which take about that.
    """

    apps: Sequence[int]
    rounds: int
    seconds: float
    warm: float = 1
    concurrency: Sequence[int] = (ALONE, BUSY)

    @classmethod
    def of(cls, apps: Sequence[int], *, quick: bool) -> "Settings":
        """With one app in any case, which is what the goals are of."""
        counts = sorted({1, *(apps or ([20] if quick else [500]))})
        return cls(apps=counts, rounds=3, seconds=0.5) if quick else cls(apps=counts, rounds=12, seconds=1)


@dataclass(frozen=True, kw_only=True)
class Case:
    """The same load on all rows."""

    apps: int
    concurrency: int
    rounds: Rounds

    def json(self) -> dict[str, Any]:
        return {"apps": self.apps, "concurrency": self.concurrency, "rows": compared(self.rounds, BASE)}


@dataclass(frozen=True, kw_only=True)
class Arrangement:
    """What was measured where everything runs in one way. `cold`: each app asked for the first time, one by one."""

    cases: Sequence[Case]
    cold: Sample

    @property
    def rates(self) -> dict[str, float]:
        """Of each row for one app under load, in requests/s."""
        return {
            row: Spread.of([sample.rate for sample in samples]).median for row, samples in self._one_app(BUSY).items()
        }

    @property
    def ratio(self) -> Spread:
        """The dispatcher's rate as a share of the forwarder's, for one app under load."""
        rounds = self._one_app(BUSY)
        return ratio(rounds["dispatcher"], rounds[BASE])

    def added(self, row: str, base: str) -> float:
        """Of the median request to one app, alone: how many ms `row` takes beyond `base`."""
        rounds = self._one_app(ALONE)
        return added_p50(rounds[row], rounds[base]).median

    @property
    def growth(self) -> Sequence[Growth]:
        """How the median request, alone, takes longer with more apps."""
        cases = [case for case in self.cases if case.concurrency == ALONE]
        return [
            Growth(
                name=row,
                unit="ms at the median",
                apps=[case.apps for case in cases],
                figures=[Spread.of([sample.p50 for sample in case.rounds[row]]).median for case in cases],
            )
            for row in (BASE, "dispatcher")
        ]

    def json(self) -> dict[str, Any]:
        cold = {"apps": max(case.apps for case in self.cases), "p50Ms": self.cold.p50, "p99Ms": self.cold.p99}
        return {"ratio": self.ratio.median, "cases": [case.json() for case in self.cases], "cold": cold}

    def _one_app(self, concurrency: int) -> Rounds:
        return next(case.rounds for case in self.cases if (case.apps, case.concurrency) == (1, concurrency))


def report(
    one: Arrangement, edge: Arrangement, settings: Settings, *, quick: bool, versions: Mapping[str, str]
) -> dict[str, Any]:
    """The whole result. `ratio` is the one of the arrangement in one workerd; `localEdge` has the other's figures."""
    added = one.added("dispatcher", BASE)
    on_edge = edge.added("dispatcher", BASE)
    return result(
        "dispatch",
        quick=quick,
        versions=versions,
        settings=settings,
        goals=[
            Goal(name="rate, of the bare forwarder's", measured=one.ratio.median, at_least=0.75),
            Goal(name="ms added to the forwarder's p50, one request at a time", measured=added, below=0.15),
            Goal(name="ms of the first request of an app, p50, in one workerd", measured=one.cold.p50, below=10),
            Goal(name="ms of the first request of an app, p50, on the local cloud", measured=edge.cold.p50, below=10),
        ],
        ratio=one.ratio.median,
        ratioOf=f"dispatcher's over forwarder's requests/s: one workerd, 1 app, warm, {BUSY} requests at once",
        ratioSpread=asdict(one.ratio),
        rates=one.rates,
        addedP50Ms=added,
        addedBy={
            "dispatchWorkerMs": one.added("dispatcher", "loader"),
            "loaderMs": one.added("loader", BASE),
            "localCloudMs": on_edge - added,
        },
        oneWorkerd=one.json(),
        localEdge=edge.json(),
        growth=[each.json() for each in one.growth],
    )
