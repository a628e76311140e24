"""Exact shares. Everything is a whole number of its smallest unit, and what is divided adds up to what it was.

No result depends on the order in which apps are given.
"""

from collections import Counter
from collections.abc import Mapping

Shares = dict[str, int]


def apportion(total: int, weights: Mapping[str, int]) -> Shares:
    """`total` divided by weights that are not all 0, by largest remainder; of equal ones the first name has it.

    No share is negative, and none is more than its weight where `total` is not more than all of them.
    """
    whole = sum(weights.values())
    shares = {name: total * weight // whole for name, weight in weights.items()}
    missing = total - sum(shares.values())
    for name in sorted(weights, key=lambda name: (-(total * weights[name] % whole), name))[:missing]:
        shares[name] += 1
    return shares


class Allowance:
    """What is included of one thing in a month, and what each app used beyond it.

    It is used up in order, day after day: what an app used early in a month is never charged for because of another's
    late use, and no past day is reckoned anew. The day on which it runs out is divided by use.
    """

    def __init__(self, included: int) -> None:
        self._included = included
        self.used = 0
        self.beyond: Counter[str] = Counter()

    def use(self, day: Mapping[str, int]) -> None:
        """One more day, by app."""
        of_day = sum(day.values())
        over = min(of_day, max(self.used + of_day - self._included, 0))
        self.used += of_day
        if over == of_day:
            self.beyond.update(day)
        elif over:
            self.beyond.update(apportion(over, day))
