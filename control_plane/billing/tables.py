"""Closed months. Nothing changes them; `months.document` finds out if something did."""

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from control_plane.tables import Table


class BillingMonth(Table):
    """A month that was closed. `digest`: SHA-256 of its document, which the audit has too.

    `gaps`: times of which nothing was known, as ISO 8601, which somebody has accepted. `total`: micro-dollars.
    """

    __tablename__ = "billing_months"

    month: Mapped[str] = mapped_column(primary_key=True)
    closed_at: Mapped[dt.datetime]
    gaps: Mapped[list[str]]
    total: Mapped[int] = mapped_column(sa.BigInteger)
    digest: Mapped[str]


class BillingRow(Table):
    """An app's usage in a closed month. `cost` is its share of the platform's bill, in micro-dollars."""

    __tablename__ = "billing_rows"

    month: Mapped[str] = mapped_column(sa.ForeignKey("billing_months.month"), primary_key=True)
    app_id: Mapped[str] = mapped_column(primary_key=True)
    customer: Mapped[str | None]
    plan: Mapped[str | None]
    requests: Mapped[int] = mapped_column(sa.BigInteger)
    errors: Mapped[int] = mapped_column(sa.BigInteger)
    cpu_us: Mapped[int] = mapped_column(sa.BigInteger)
    bytes_in: Mapped[int] = mapped_column(sa.BigInteger)
    bytes_out: Mapped[int] = mapped_column(sa.BigInteger)
    scripts: Mapped[int]
    cost: Mapped[int] = mapped_column(sa.BigInteger)
