"""A month's bill, line by line, and what each app has of each line: to the cent, and exactly."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

from control_plane.cost.allocation import Allowance, Shares, apportion
from control_plane.cost.prices import STANDARD, Meter, Tariffs
from control_plane.usage.tables import NO_APP

FEE: Final = "fee"

Day = Mapping[Meter, Mapping[str, int]]
"""What each app used of each meter on a day; what is counted by the month is a day's, too."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """What a service costs for one meter, or its fee. `cost` is in micro-dollars, whole cents; so are the `shares`."""

    service: str
    meter: Meter | Literal["fee"]
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

    def line(self, meter: Meter | Literal["fee"]) -> Line:
        return next(line for line in self.lines if line.meter == meter)


def bill(tariffs: Tariffs, apps: Set[str], days: Iterable[Day]) -> Bill:
    """Fees are spread evenly over the apps that there were; use is charged to whoever used what is not included."""
    bought = {service: tariff for service, tariff in tariffs.items() if service != STANDARD}
    allowances = {
        meter: Allowance(rate.included) for tariff in bought.values() for meter, rate in tariff.meters.items()
    }
    for day in days:
        for meter, used in day.items():
            allowances[meter].use(used)
    lines = []
    for service, tariff in bought.items():
        if fee := tariff.fee_cost:
            shares = apportion(fee, dict.fromkeys(apps or {NO_APP}, 1))
            lines.append(Line(service=service, meter=FEE, amount=1, included=0, cost=fee, shares=shares))
        for meter, rate in tariff.meters.items():
            allowance = allowances[meter]
            cost = rate.cost(allowance.used)
            shares = apportion(cost, allowance.beyond) if cost else {}
            lines.append(
                Line(
                    service=service,
                    meter=meter,
                    amount=allowance.used,
                    included=rate.included,
                    cost=cost,
                    shares=shares,
                )
            )
    return Bill(frozenset(apps), tuple(lines))
