"""Exact shares. Everything is a whole number of its smallest unit, and what is divided adds up to what it was.

No result depends on the order in which apps are given.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

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


def beyond(included: int, days: Iterable[Mapping[str, int]]) -> tuple[int, Shares]:
    """How much was used in all, and how much of what each app used was beyond what is included.

    What is included is used up in order, day after day: what an app used early in a month is never charged for because
    of another's late use, and no past day is reckoned anew. The day on which it runs out is divided by use.
    """
    total, paid = 0, Counter[str]()
    for day in days:
        used = sum(day.values())
        over = min(used, max(total + used - included, 0))
        total += used
        if over:
            paid.update(apportion(over, day))
    return total, dict(+paid)
