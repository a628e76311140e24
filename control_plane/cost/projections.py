"""What a month will have cost when it is over, and what other numbers of apps would cost: totals, not shares."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from control_plane.cost.bill import Bill
from control_plane.cost.prices import CENT, STANDARD, Meter, Tariff, Tariffs

GOAL = 10 * CENT
"""Micro-dollars for an app and month, on average: the owner's goal."""

WHAT_IF = (100, 1_000, 50_000)
"""Apps."""

Totals = Mapping[Meter, Fraction]
"""What is used in a month."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """So many apps that use what those of now use. `cost` and the others are micro-dollars for a whole month.

    `standard`: with one standard Worker for each script instead, in so many `accounts` as those need. `account_each`:
    with an account for each app.
    """

    apps: int
    cost: int
    accounts: int
    standard: int
    account_each: int

    @property
    def of_app(self) -> Fraction:
        """Micro-dollars."""
        return Fraction(self.cost, self.apps)


def totals(bill: Bill) -> dict[Meter, Fraction]:
    return {line.meter: Fraction(line.amount) for line in bill.lines if line.meter != "fee"}


def whole_month(used: Totals, read: Fraction, passed: Fraction) -> dict[Meter, Fraction]:
    """What will have been used, if the rest is like what is known: `read` is the share of the month's hours of which
    usage was read, `passed` the share that is over. Scripts and what is stored are what they are.
    """
    grows = {"requests": read, "cpu_us": read, "actions_minutes": passed}
    return {meter: amount / grows[meter] if grows.get(meter) else amount for meter, amount in used.items()}


def cost(tariffs: Tariffs, used: Totals) -> int:
    """Micro-dollars of a month in which so much is used."""
    bought = [tariff for service, tariff in tariffs.items() if service != STANDARD]
    return sum(_cost(tariff, used) for tariff in bought)


def scenario(tariffs: Tariffs, used: Totals, apps: int, wanted: int) -> Scenario:
    """`apps` use what is `used` in a month; what would `wanted` cost?"""
    scaled = {meter: amount * wanted / apps for meter, amount in used.items()}
    standard = tariffs[STANDARD]
    most = standard.scripts_of_account or 1
    accounts = max(math.ceil(scaled.get("scripts", 0) / most), 1)
    besides = cost({service: one for service, one in tariffs.items() if not {*one.meters} & {*standard.meters}}, scaled)
    return Scenario(
        apps=wanted,
        cost=cost(tariffs, scaled),
        accounts=accounts,
        standard=besides + _of_accounts(standard, scaled, accounts),
        account_each=besides + _of_accounts(standard, scaled, wanted),
    )


def without_previews(tariffs: Tariffs, used: Totals, previews: int) -> int:
    """Micro-dollars a month that are saved by clearing all scripts of pull requests."""
    rest = {**used, "scripts": max(used.get("scripts", Fraction(0)) - previews, Fraction(0))}
    return cost(tariffs, used) - cost(tariffs, rest)


def _cost(tariff: Tariff, used: Totals) -> int:
    return tariff.fee_cost + sum(rate.cost(used.get(meter, Fraction(0))) for meter, rate in tariff.meters.items())


def _of_accounts(tariff: Tariff, used: Totals, accounts: int) -> int:
    """Of so many accounts among which all is evenly spread."""
    return accounts * _cost(tariff, {meter: amount / accounts for meter, amount in used.items()})
