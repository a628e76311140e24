"""Work that fails for a passing reason is done again: after growing pauses, or when Cloudflare says.

Only what may be done twice is given to `Patience.through`. Of Cloudflare's calls that is each that reads, deletes or
sets; an upload is one only together with a look at what is there, for a deploy may have come between.
"""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from app_stacks.cloudflare_error import TOO_MANY, CloudflareError

log = logging.getLogger(__name__)

Result = TypeVar("Result")

SPREAD = 0.2
"""Pauses are longer by up to this share of themselves: those who were stopped together don't return together."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """All in seconds. Pauses double from `first` up to `longest`.

    So long is waited for rate limits to end, `limited`, which is more than Cloudflare's five minutes; and for all else,
    `seconds`, the time of the attempts included.
    """

    seconds: float = 120
    limited: float = 900
    first: float = 1
    longest: float = 60
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def through(self, work: Callable[[], Result]) -> Result:
        """The result of `work`, which is done again as long as it raises passing errors.

        Raises the `CloudflareError` that is not passing; the last one, when patience is at its end.
        """
        began, attempts, pause = self.clock(), 0, self.first
        left = {True: self.limited, False: self.seconds}
        while True:
            attempted = self.clock()
            try:
                return work()
            except CloudflareError as error:
                attempts += 1
                limited = error.status == TOO_MANY
                wait = max(pause, error.retry_after) * (1 + SPREAD * random.random())  # noqa: S311 - no secret
                left[limited] -= self.clock() - attempted + wait
                if not error.passing or left[limited] < 0:
                    raise self._ended(error, attempts, self.clock() - began) from error
                log.warning("%s; attempt %d follows in %.0f s", error, attempts + 1, wait)
            self.sleep(wait)
            pause = min(2 * pause, self.longest)

    @staticmethod
    def _ended(error: CloudflareError, attempts: int, spent: float) -> CloudflareError:
        tried = f"given up after {attempts} attempts in {spent:.0f} s" if attempts > 1 else None
        return CloudflareError("; ".join(filter(None, (str(error), tried, error.remedy))), error.status)


NONE = Patience(seconds=0, limited=0)
"""For those who are waited for: one attempt."""
