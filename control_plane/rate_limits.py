"""How often somebody may call. Each process counts by itself: several of them allow so many times as much."""

import math
import threading
import time
from collections import OrderedDict

from fastapi import HTTPException

KEYS = 10_000
"""Callers that are remembered; who has been away the longest is forgotten, and begins anew."""


class RateLimit:
    """A token bucket for each key: `a_minute` calls, which may come at once."""

    def __init__(self, a_minute: int, told: str) -> None:
        self._capacity, self._told = a_minute, told
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str) -> None:
        """Count a call. Raises 429, with the seconds until the next one."""
        with self._lock:
            now = time.monotonic()
            left, since = self._left.pop(key, (float(self._capacity), now))
            left = min(self._capacity, left + (now - since) * self._capacity / 60)
            allowed = left >= 1
            self._left[key] = (left - 1 if allowed else left, now)
            if len(self._left) > KEYS:
                self._left.popitem(last=False)
        if not allowed:
            wait = math.ceil((1 - left) * 60 / self._capacity)
            raise HTTPException(429, f"{self._told}; try again in {wait} s", {"Retry-After": str(wait)})
