"""How often somebody may call. Each process counts by itself: several of them allow so many times as much."""

import math
import threading
import time
from collections import OrderedDict
from ipaddress import ip_address, ip_network

from fastapi import HTTPException

KEYS = 10_000
"""Callers that are remembered; who has been away the longest is forgotten, and begins anew."""


class RateLimit:
    """A token bucket for each key: `a_minute` calls, of which `at_once` may come together; all of them, by default."""

    def __init__(self, a_minute: int, told: str, at_once: int | None = None) -> None:
        self._rate, self._capacity, self._told = a_minute / 60, at_once or a_minute, told
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, key: str, cost: int = 1) -> int:
        """Count a call that counts as `cost` ones; 0, or the seconds until it may come, and then it was not counted."""
        with self._lock:
            now = time.monotonic()
            left, since = self._left.pop(key, (float(self._capacity), now))
            left = min(self._capacity, left + (now - since) * self._rate)
            allowed = left >= cost
            self._left[key] = (left - cost if allowed else left, now)
            if len(self._left) > KEYS:
                self._left.popitem(last=False)
        return 0 if allowed else math.ceil((cost - left) / self._rate)

    def take(self, key: str) -> None:
        """Count a call. Raises 429, with the seconds until the next one."""
        if wait := self.wait(key):
            raise HTTPException(429, f"{self._told}; try again in {wait} s", {"Retry-After": str(wait)})


def caller_of(address: str | None) -> str:
    """What counts as one caller: an address, and of IPv6 a network of /64, since a single customer has all of one."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return address or ""
    return str(ip_network((found, 64), strict=False)) if found.version == 6 else str(found)
