"""A month, in UTC: what bills are for."""

import calendar
import datetime as dt
import re
from dataclasses import dataclass
from typing import Self

PATTERN = "2[0-9]{3}-(0[1-9]|1[0-2])"


@dataclass(frozen=True, order=True)
class Month:
    """`str` of it is `2026-11`."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `ValueError` for anything but `YYYY-MM` in this millennium."""
        if not re.fullmatch(PATTERN, text):
            raise ValueError(f"{text!r} is no month such as 2026-11")
        return cls(*map(int, text.split("-")))

    @classmethod
    def of(cls, at: dt.date) -> Self:
        return cls(at.year, at.month)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"

    @property
    def name(self) -> str:
        """`November 2026`."""
        return f"{calendar.month_name[self.number]} {self.year}"

    @property
    def days(self) -> list[dt.date]:
        count = calendar.monthrange(self.year, self.number)[1]
        return [dt.date(self.year, self.number, day) for day in range(1, count + 1)]

    @property
    def begin(self) -> dt.datetime:
        return dt.datetime(self.year, self.number, 1, tzinfo=dt.UTC)

    @property
    def end(self) -> dt.datetime:
        """The begin of the next one."""
        return self.begin + dt.timedelta(days=len(self.days))

    @property
    def previous(self) -> "Month":
        return Month.of(self.begin - dt.timedelta(days=1))

    @property
    def next(self) -> "Month":
        return Month.of(self.end)
