"""How long a fleet run still takes, and what it waits for: the slowest of the engine and the buckets."""

import math
from dataclasses import dataclass

from overskill.fleet.budget import Budget
from overskill.fleet.scheduler import Schedule

ENGINE = "the engine"

FIRST_GUESS = 4.0
"""Seconds of an app's run on an idle core, until one of this fleet run has ended."""


@dataclass(frozen=True, order=True)
class Estimate:
    """`seconds` until all is done; `bottleneck` is what they are spent on."""

    seconds: float
    bottleneck: str


def estimate(schedule: Schedule, budget: Budget, workers: int, now: float, work: str = ENGINE) -> Estimate:
    """`now` is the loop's time, `work` what the jobs spend theirs on."""
    mean = schedule.seconds / schedule.ended if schedule.ended else FIRST_GUESS
    waiting = schedule.not_begun
    begun = sum(max(0.0, mean - (now - since)) for since in schedule.running.values())
    engine = Estimate((len(waiting) * mean + begun) / workers, work)
    limits = [
        Estimate(bucket.time_for(needed, now, engine.seconds / needed) + mean, bucket.limit.name)
        for bucket in budget.buckets
        if (needed := _needed(schedule, bucket.limit.kind))
    ]
    return max([engine, *limits])


def _needed(schedule: Schedule, kind: str) -> int:
    """Calls of what is not begun: what is reserved for it, as far as the runs before have spent theirs."""
    calls = sum(getattr(job.calls, kind) for job in schedule.not_begun)
    reserved, spent = getattr(schedule.reserved, kind), getattr(schedule.spent, kind)
    return math.ceil(calls * spent / reserved) if reserved else calls
