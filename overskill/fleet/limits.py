"""The published limits of both APIs, and the buckets that hold them.

A bucket has as many tokens as a limit allows calls in its window. An app's calls take their tokens before its run
begins, since the engine's plugins make them and ask nobody; each token comes back one window after that run has ended.
So no window of time, wherever it begins, ever has more calls than the limit.
"""

import math
from collections import deque
from dataclasses import astuple, dataclass

SHARE = 0.97
"""Of each limit is ours; the rest is left to whoever else calls with the same token."""


@dataclass(frozen=True, kw_only=True)
class Calls:
    """Calls of a run by kind. `content` are those of GitHub's that create or change; they count in `github` too."""

    cloudflare: int = 0
    github: int = 0
    content: int = 0

    def __add__(self, other: "Calls") -> "Calls":
        return Calls(
            cloudflare=self.cloudflare + other.cloudflare,
            github=self.github + other.github,
            content=self.content + other.content,
        )

    def __sub__(self, other: "Calls") -> "Calls":
        return Calls(
            cloudflare=self.cloudflare - other.cloudflare,
            github=self.github - other.github,
            content=self.content - other.content,
        )

    def __bool__(self) -> bool:
        return any(astuple(self))


@dataclass(frozen=True)
class Limit:
    """So many `calls` of one kind (a field of `Calls`) in so many `seconds`; `name` is for people."""

    name: str
    kind: str
    calls: int
    seconds: float

    def soonest(self, calls: int) -> float:
        """Seconds until the last of `calls` may be made, where the first is made at 0: the fastest schedule."""
        return max(0, math.ceil(calls / self.calls) - 1) * self.seconds


PUBLISHED = (
    Limit("Cloudflare's 1,200 calls in 5 minutes", "cloudflare", 1200, 300),
    Limit("GitHub's 5,000 calls an hour", "github", 5000, 3600),
    Limit("GitHub's 80 changes a minute", "content", 80, 60),
    Limit("GitHub's 500 changes an hour", "content", 500, 3600),
)
"""developers.cloudflare.com/fundamentals/api/reference/limits and docs.github.com/en/rest/using-the-rest-api."""


class Bucket:
    """The tokens of one limit. Times are seconds of any clock that does not go back."""

    def __init__(self, limit: Limit, share: float = SHARE) -> None:
        self.limit = limit
        self.size = math.floor(limit.calls * share)
        self._under_way = 0
        self._returning: deque[tuple[float, int]] = deque()
        self._away = 0

    def free(self, now: float) -> int:
        """Tokens in the bucket."""
        while self._returning and self._returning[0][0] <= now:
            self._away -= self._returning.popleft()[1]
        return self.size - self._under_way - self._away

    def take(self, calls: int) -> None:
        self._under_way += calls

    def spend(self, taken: int, spent: int, ended: float) -> None:
        """A run that took tokens has ended, and made no more calls than `spent`. Runs end in the order of time."""
        self._under_way -= taken
        self._returning.append((ended + self.limit.seconds, spent))
        self._away += spent

    def wait(self, calls: int, now: float) -> float:
        """Seconds until the bucket has tokens for `calls`; infinite while that hangs on runs under way."""
        missing = calls - self.free(now)
        if missing <= 0:
            return 0.0
        for at, tokens in self._returning:
            missing -= tokens
            if missing <= 0:
                return at - now
        return math.inf

    def time_for(self, calls: int, now: float, pace: float = 0.0) -> float:
        """Seconds until the last of so many `calls` may be made, one each `pace` seconds where there are tokens."""
        missing = calls - self.free(now)
        if missing <= 0:
            return 0.0
        rounds, rest = divmod(missing - 1, self.size)
        at = self._returned(rest + 1, now, pace)
        return at + rounds * self.limit.seconds

    def _returned(self, tokens: int, now: float, pace: float) -> float:
        """Seconds until so many tokens are back: first those that return already, then those that are still free."""
        for at, returning in self._returning:
            tokens -= returning
            if tokens <= 0:
                return at - now
        return self.limit.seconds + tokens * pace
