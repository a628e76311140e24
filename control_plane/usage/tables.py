"""What is kept of usage. An hour is named by its beginning, in UTC; a row is of one app in one app environment."""

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from control_plane.tables import Table

NO_APP = "-"
"""Whose usage is nobody's: what was asked for where no app is, and what the platform's own Workers took."""

FIGURES = ("requests", "dispatched", "errors", "bytes_in", "bytes_out", "invocations", "cpu_us")


class Figures:
    """What the dispatch Worker tells: `requests`, of which so many were `dispatched` to a script; `errors`, bytes.

    What Cloudflare counts itself: `invocations` of the scripts, and their CPU time in microseconds.
    """

    app_id: Mapped[str]
    environment: Mapped[str]  # empty for what is nobody's
    requests: Mapped[int] = mapped_column(sa.BigInteger)
    dispatched: Mapped[int] = mapped_column(sa.BigInteger)
    errors: Mapped[int] = mapped_column(sa.BigInteger)
    bytes_in: Mapped[int] = mapped_column(sa.BigInteger)
    bytes_out: Mapped[int] = mapped_column(sa.BigInteger)
    invocations: Mapped[int] = mapped_column(sa.BigInteger)
    cpu_us: Mapped[int] = mapped_column(sa.BigInteger)


class UsageHour(Figures, Table):
    """`read_at`: when Cloudflare was asked for it. An older reading never replaces a newer one."""

    __tablename__ = "usage_hours"
    __table_args__ = (sa.PrimaryKeyConstraint("app_id", "hour", "environment"),)

    hour: Mapped[dt.datetime] = mapped_column(index=True)
    read_at: Mapped[dt.datetime]


class UsageDay(Figures, Table):
    """The sum of the hours of a day."""

    __tablename__ = "usage_days"
    __table_args__ = (sa.PrimaryKeyConstraint("app_id", "day", "environment"),)

    day: Mapped[dt.date] = mapped_column(index=True)


class UsageReading(Table):
    """An hour that was read. An hour without a row is a gap: nothing is known of it, which is not nothing used.

    `sample_interval`: the most requests that one kept data point stands for; 1 is exact. `entered`: how often
    Cloudflare says that the dispatch Worker was invoked; 0 where it does not tell.
    """

    __tablename__ = "usage_readings"

    hour: Mapped[dt.datetime] = mapped_column(primary_key=True)
    read_at: Mapped[dt.datetime]
    sample_interval: Mapped[int] = mapped_column(sa.BigInteger)
    requests: Mapped[int] = mapped_column(sa.BigInteger)
    dispatched: Mapped[int] = mapped_column(sa.BigInteger)
    invocations: Mapped[int] = mapped_column(sa.BigInteger)
    entered: Mapped[int] = mapped_column(sa.BigInteger)


class QuotaMark(Table):
    """What an app's quota has led to. `warned_on`: the day on which it was last told that little is left.

    `held_since`: when its quota made it over quota, as its state says too; None: it did not, or that has ended.
    """

    __tablename__ = "quota_marks"

    app_id: Mapped[str] = mapped_column(primary_key=True)
    warned_on: Mapped[dt.date | None]
    held_since: Mapped[dt.datetime | None]


class UsageScripts(Table):
    """How many scripts an app has in one app environment on a day; `previews` of them are of pull requests."""

    __tablename__ = "usage_scripts"

    day: Mapped[dt.date] = mapped_column(primary_key=True)
    app_id: Mapped[str] = mapped_column(primary_key=True)
    environment: Mapped[str] = mapped_column(primary_key=True)
    scripts: Mapped[int]
    previews: Mapped[int]
