"""A month's bill, line by line, and what each app has of each line: to the cent, and exactly."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property

from control_plane.cost.allocation import Shares, apportion, beyond
from control_plane.cost.prices import STANDARD, Meter, Tariffs
from control_plane.usage.tables import NO_APP

FEE = "fee"

Days = Iterable[Mapping[str, int]]
"""What each app used, for each day in its order; of what is counted by the month, one "day"."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """What a service costs for one meter, or its fee. `cost` is in micro-dollars, whole cents; so are the `shares`."""

    service: str
    meter: Meter | str
    amount: int
    included: int
    cost: int
    shares: Shares = field(repr=False)


@dataclass(frozen=True)
class Bill:
    """Of `apps`; what is nobody's has a share too, as `NO_APP`."""

    apps: frozenset[str]
    lines: tuple[Line, ...]

    @property
    def total(self) -> int:
        """Micro-dollars, whole cents."""
        return sum(line.cost for line in self.lines)

    @cached_property
    def shares(self) -> Shares:
        """By app, in micro-dollars; they add up to `total`."""
        found = dict.fromkeys(self.apps, 0)
        for line in self.lines:
            for app, share in line.shares.items():
                found[app] = found.get(app, 0) + share
        return found

    def line(self, meter: Meter | str) -> Line:
        return next(line for line in self.lines if line.meter == meter)


def bill(tariffs: Tariffs, apps: Set[str], used: Mapping[Meter, Days]) -> Bill:
    """Fees are spread evenly over the apps that there were; use is charged to whoever used what is not included."""
    lines = []
    for service, tariff in tariffs.items():
        if service == STANDARD:
            continue
        if fee := tariff.fee_cost:
            shares = apportion(fee, dict.fromkeys(apps or {NO_APP}, 1))
            lines.append(Line(service=service, meter=FEE, amount=1, included=0, cost=fee, shares=shares))
        for meter, rate in tariff.meters.items():
            total, paid = beyond(rate.included, used.get(meter, ()))
            cost = rate.cost(total)
            lines.append(
                Line(
                    service=service,
                    meter=meter,
                    amount=total,
                    included=rate.included,
                    cost=cost,
                    shares=apportion(cost, paid) if cost else {},
                )
            )
    return Bill(frozenset(apps), tuple(lines))
