"""What is measured in one go, and what several goes of it say together."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One go of load on one thing: answers a second, and latencies in ms."""

    rate: float
    p50: float
    p99: float


@dataclass(frozen=True, kw_only=True)
class Spread:
    """One figure over several goes."""

    median: float
    min: float
    max: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(median=statistics.median(values), min=min(values), max=max(values))


Rounds = Mapping[str, Sequence[Sample]]
"""By row, a sample for each round."""


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The least of the values, which are in order, that so many percent of them do not exceed."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def in_turn(rows: Sequence[str], rounds: int, measure: Callable[[str], Sample]) -> Rounds:
    """In each round all rows, one directly after the other; each round begins with another one.

    What else the machine does meets all rows of a round alike, and none is always the first.
    """
    samples: dict[str, list[Sample]] = {row: [] for row in rows}
    for number in range(rounds):
        turn = number % len(rows)
        for row in (*rows[turn:], *rows[:turn]):
            samples[row].append(measure(row))
    return samples


def ratio(samples: Sequence[Sample], base: Sequence[Sample]) -> Spread:
    """The rates as shares of those of `base`, round by round."""
    return Spread.of([mine.rate / its.rate for mine, its in zip(samples, base, strict=True)])


def added_p50(samples: Sequence[Sample], base: Sequence[Sample]) -> Spread:
    """How many ms the median requests take beyond those of `base`, round by round."""
    return Spread.of([mine.p50 - its.p50 for mine, its in zip(samples, base, strict=True)])


def compared(rounds: Rounds, base: str) -> dict[str, dict[str, Any]]:
    """Each row's figures, each `{"median", "min", "max"}`."""
    return {
        row: {
            "rate": asdict(Spread.of([sample.rate for sample in samples])),
            "p50Ms": asdict(Spread.of([sample.p50 for sample in samples])),
            "p99Ms": asdict(Spread.of([sample.p99 for sample in samples])),
            "ratio": asdict(ratio(samples, rounds[base])),
            "addedP50Ms": asdict(added_p50(samples, rounds[base])),
        }
        for row, samples in rounds.items()
    }
