"""The buckets of a fleet run together: every worker takes from them before a run of the engine, in turn."""

import asyncio
import math
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress

from overskill.fleet.limits import PUBLISHED, Bucket, Calls, Limit

FINEST = 1e-6
"""Seconds. The sum of a time and a shorter wait can be that time again, as a float, and be waited for without end."""


class NeverHeld(ValueError):
    """One run needs more calls than a bucket ever holds: it would wait for them without end."""


class Budget:
    """One bucket for each limit, on the clock of the running event loop."""

    def __init__(self, limits: Iterable[Limit] = PUBLISHED) -> None:
        self.buckets: Sequence[Bucket] = [Bucket(limit) for limit in limits]
        self._turn = asyncio.Lock()
        self._ended = asyncio.Event()

    def recall(self, spent: Iterable[tuple[float, Calls]]) -> None:
        """Count calls of earlier runs, the oldest first: `(seconds ago, calls)`."""
        now = _now()
        for ago, calls in spent:
            for bucket in self.buckets:
                if ago < bucket.limit.seconds:
                    bucket.spend(0, getattr(calls, bucket.limit.kind), now - ago)

    def check(self, calls: Calls) -> None:
        """Raises `NeverHeld`."""
        for bucket in self.buckets:
            if (needed := getattr(calls, bucket.limit.kind)) > bucket.size:
                raise NeverHeld(f"one app needs {needed} calls, and {bucket.limit.name} leave {bucket.size}")

    @asynccontextmanager
    async def reserved(self, calls: Calls) -> AsyncIterator["Reservation"]:
        """Wait for the tokens of `calls`; they are away until a window after the block."""
        self.check(calls)
        async with self._turn:
            while (wait := self.wait(calls)) > 0:
                self._ended.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._ended.wait(), None if math.isinf(wait) else max(wait, FINEST))
            for bucket in self.buckets:
                bucket.take(getattr(calls, bucket.limit.kind))
        reservation = Reservation(calls)
        try:
            yield reservation
        finally:
            for bucket in self.buckets:
                kind = bucket.limit.kind
                bucket.spend(getattr(calls, kind), getattr(reservation.spent, kind), _now())
            self._ended.set()

    def wait(self, calls: Calls) -> float:
        """Seconds until every bucket has the tokens of `calls`; infinite while that hangs on runs under way."""
        return max((bucket.wait(getattr(calls, bucket.limit.kind), _now()) for bucket in self.buckets), default=0.0)


class Reservation:
    """What was reserved for a run; `spent` may be set to what it has really called."""

    def __init__(self, calls: Calls) -> None:
        self.spent = calls


def _now() -> float:
    return asyncio.get_running_loop().time()
