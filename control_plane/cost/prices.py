"""The price table: `prices.yaml`, dated, with the source of each figure."""

import datetime as dt
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal, get_args

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, HttpUrl

from control_plane.usage.months import Month

TABLE = Path(__file__).with_name("prices.yaml")

STANDARD = "standard-workers"
"""The service that is only compared with."""

MICRO = 1_000_000
"""Micro-dollars of a dollar: what all amounts of money are whole numbers of."""
CENT = 10_000

Meter = Literal[
    "requests",
    "cpu_us",
    "scripts",
    "actions_minutes",
    "d1_rows_read",
    "d1_rows_written",
    "d1_mb_months",
    "kv_reads",
    "kv_writes",
    "kv_mb_months",
    "r2_class_a",
    "r2_class_b",
    "r2_mb_months",
]
METERS: tuple[Meter, ...] = get_args(Meter)

Dollars = Annotated[Fraction, BeforeValidator(lambda text: Fraction(str(text))), Field(ge=0)]


class Rate(BaseModel):
    """`price` dollars for `per` units beyond those `included` in a month."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    included: int = Field(ge=0)
    price: Dollars
    per: int = Field(ge=1)

    def cost(self, amount: int | Fraction) -> int:
        """Micro-dollars of so many units, to the cent: half a cent is one."""
        beyond = max(amount - self.included, 0)
        return int(beyond * self.price / self.per * 100 + Fraction(1, 2)) * CENT


class Tariff(BaseModel):
    """What a service costs in months that begin on `since` or later. `scripts_of_account`: the most an account has."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    since: dt.date = Field(alias="from")
    source: HttpUrl
    seen: dt.date
    fee: Dollars = Fraction(0)
    scripts_of_account: int | None = None
    meters: dict[Meter, Rate]

    @property
    def fee_cost(self) -> int:
        """Micro-dollars."""
        return int(self.fee * MICRO)


def unit(meter: str) -> str:
    """What people call it."""
    return {"cpu_us": "CPU ms"}.get(meter, meter.replace("_", " "))


def count(meter: str, amount: int) -> str:
    """So many of that unit."""
    return f"{amount // 1000 if meter == 'cpu_us' else amount:,}"


Tariffs = Mapping[str, Tariff]
"""By service."""


def tariffs(month: Month, table: Path = TABLE) -> Tariffs:
    """Those that hold in a month. Raises `LookupError` where the table does not go back so far."""
    found = {}
    for service, listed in yaml.safe_load(table.read_text()).items():
        known = [tariff for entry in listed if (tariff := Tariff.model_validate(entry)).since <= month.begin.date()]
        if not known:
            raise LookupError(f"{table.name} has no price of {service} for {month}: add what it cost then")
        found[service] = max(known, key=lambda tariff: tariff.since)
    return found
