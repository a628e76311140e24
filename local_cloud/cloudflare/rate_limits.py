"""Cloudflare's rate limits: so many calls of a token in five minutes, and then none for five minutes."""

import hashlib
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

WINDOW_SECONDS = 300
CALLS = 1200
GRAPHQL_QUERIES = 320
"""In addition: a query counts as a call too."""


@dataclass
class _Window:
    ends: float
    calls: int = 0


class RateLimit:
    """`quota` calls of each token, of which only a hash is kept, and in memory. `clock` gives seconds."""

    def __init__(self, quota: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._quota = quota
        self._clock = clock
        self._windows: dict[bytes, _Window] = {}

    def take(self, authorization: str) -> bool:
        """Count a call; whether it may be made."""
        now, key = self._clock(), _key(authorization)
        window = self._windows.get(key)
        if window is None or now >= window.ends:
            window = self._windows[key] = _Window(ends=now + WINDOW_SECONDS)
        window.calls += 1
        if window.calls == self._quota + 1:
            window.ends = now + WINDOW_SECONDS
        return window.calls <= self._quota

    def headers(self, authorization: str) -> Mapping[str, str]:
        """What an answer says of the limit; nothing to a token that was never counted."""
        window = self._windows.get(_key(authorization))
        if window is None:
            return {}
        left, seconds = max(0, self._quota - window.calls), max(0, math.ceil(window.ends - self._clock()))
        told = {
            "Ratelimit": f'"default";r={left};t={seconds}',
            "Ratelimit-Policy": f'"default";q={self._quota};w={WINDOW_SECONDS}',
        }
        return {**told, "Retry-After": str(seconds)} if window.calls > self._quota else told


def _key(authorization: str) -> bytes:
    return hashlib.sha256(authorization.encode()).digest()
