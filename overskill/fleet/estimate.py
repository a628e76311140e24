"""How long a fleet run still takes, and what it waits for: the slowest of the engine and the buckets."""

from dataclasses import dataclass

from overskill.fleet.budget import Budget
from overskill.fleet.limits import Calls
from overskill.fleet.scheduler import Schedule

FIRST_GUESS = 4.0
"""Seconds of an app's run on an idle core, until one of this fleet run has ended."""


@dataclass(frozen=True, order=True)
class Estimate:
    """`seconds` until all is done; `bottleneck` is what they are spent on."""

    seconds: float
    bottleneck: str


def estimate(schedule: Schedule, budget: Budget, workers: int, now: float) -> Estimate:
    """`now` is the loop's time."""
    mean = schedule.seconds / schedule.ended if schedule.ended else FIRST_GUESS
    waiting = schedule.not_begun
    begun = sum(max(0.0, mean - (now - since)) for since in schedule.running.values())
    engine = Estimate((len(waiting) * mean + begun) / workers, "the engine")
    calls = sum((job.calls for job in waiting), Calls())
    limits = [
        Estimate(bucket.time_for(needed, now, engine.seconds / needed) + mean, bucket.limit.name)
        for bucket in budget.buckets
        if (needed := getattr(calls, bucket.limit.kind))
    ]
    return max([engine, *limits])
