"""How many calls each caller of GitHub has made, how many it may make, and whether more are refused.

The limits are data; the counts are in memory, so that each start of the local cloud begins a new hour.
"""

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

HOUR = 3600.0
MINUTE = 60.0


class PrimaryLimitError(Exception):
    """The hour's calls are spent."""

    def __init__(self, subject: str, usage: "Usage") -> None:
        super().__init__(f"{subject}: {usage.used} of {usage.limit}")
        self.subject = subject
        self.usage = usage


class SecondaryLimitError(Exception):
    """Too much at once. `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"retry after {retry_after} s")
        self.retry_after = retry_after


@dataclass(frozen=True, kw_only=True)
class Primary:
    """Calls an hour. An installation with more than `few_repositories` may make some more for each that it has; the
    runs of a repository have `run` together."""

    user: int = 5_000
    anonymous: int = 60
    installation: int = 5_000
    run: int = 1_000
    few_repositories: int = 20
    for_each_repository: int = 50
    installation_at_most: int = 12_500

    def of_installation(self, repositories: int) -> int:
        if repositories <= self.few_repositories:
            return self.installation
        return min(self.installation + repositories * self.for_each_repository, self.installation_at_most)


@dataclass(frozen=True, kw_only=True)
class Secondary:
    """Of calls that create content, and of calls at the same time."""

    content_per_minute: int = 80
    content_per_hour: int = 500
    at_once: int = 100


@dataclass(frozen=True, kw_only=True)
class Usage:
    """`reset` is when the hour ends, in seconds since 1970."""

    limit: int
    used: int
    remaining: int
    reset: int


class RateLimits:
    """Counts; refuses only while it is `enforcing`. Subjects are callers, in the words of GitHub's messages."""

    def __init__(
        self,
        *,
        primary: Primary = Primary(),
        secondary: Secondary = Secondary(),
        enforcing: Callable[[], bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.primary = primary
        self._secondary = secondary
        self._enforcing = enforcing
        self._clock = clock
        self._lock = Lock()
        self._spent: dict[str, tuple[float, int]] = {}
        self._created: defaultdict[str, deque[float]] = defaultdict(deque)
        self._under_way: Counter[str] = Counter()

    def spend(self, subject: str, limit: int, *, creates: bool) -> Usage:
        """Count a call. Raises `PrimaryLimitError`, `SecondaryLimitError`; what is refused isn't counted."""
        with self._lock:
            usage = self._usage(subject, limit)
            if self._enforcing() and usage.used >= limit:
                raise PrimaryLimitError(subject, usage)
            if creates:
                self._create(subject)
            return self._count(subject, limit, usage.used + 1)

    def give_back(self, subject: str, limit: int) -> Usage:
        """Take the last call of a subject out of the count."""
        with self._lock:
            return self._count(subject, limit, max(0, self._usage(subject, limit).used - 1))

    def usage(self, subject: str, limit: int) -> Usage:
        with self._lock:
            return self._usage(subject, limit)

    @contextmanager
    def under_way(self, token: str) -> Iterator[None]:
        """Around a call, its wait for others included. Raises `SecondaryLimitError`."""
        with self._lock:
            if self._enforcing() and self._under_way[token] >= self._secondary.at_once:
                raise SecondaryLimitError(int(MINUTE))
            self._under_way[token] += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way[token] -= 1
                if not self._under_way[token]:
                    del self._under_way[token]

    def _usage(self, subject: str, limit: int) -> Usage:
        now = self._clock()
        reset, used = self._spent.get(subject, (0.0, 0))
        if reset <= now:
            reset, used = self._spent[subject] = (now + HOUR, 0)
        # Some clients (go-github) call no more on their own once nothing remains: not where nobody would refuse them.
        least = 0 if self._enforcing() else 1
        return Usage(limit=limit, used=used, remaining=max(limit - used, least), reset=int(reset))

    def _count(self, subject: str, limit: int, used: int) -> Usage:
        self._spent[subject] = (self._spent[subject][0], used)
        return self._usage(subject, limit)

    def _create(self, subject: str) -> None:
        now, created = self._clock(), self._created[subject]
        while created and created[0] <= now - HOUR:
            created.popleft()
        if self._enforcing():
            for seconds, most in (
                (MINUTE, self._secondary.content_per_minute),
                (HOUR, self._secondary.content_per_hour),
            ):
                recent = [at for at in created if at > now - seconds]
                if len(recent) >= most:
                    raise SecondaryLimitError(int(recent[0] + seconds - now) + 1)
        created.append(now)
