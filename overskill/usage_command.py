"""`overskill usage`: what each app used, read from Cloudflare and shown."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app_stacks.cloudflare_api import base_url
from app_stacks.patience import Patience
from control_plane.app_states import AppStates
from control_plane.app_store import AppStore
from control_plane.database import Database
from control_plane.usage import reading
from control_plane.usage.analytics import AnalyticsApi
from control_plane.usage.collector import Collector
from control_plane.usage.coverage import Coverage, coverage
from control_plane.usage.dispatched import HOUR
from control_plane.usage.months import Month
from control_plane.usage.quotas import Quotas
from control_plane.usage.reading import Usage
from control_plane.usage.tables import NO_APP
from overskill import control_plane_records
from overskill.errors import CommandError
from overskill.options import Stack
from overskill.progress import step
from overskill.project import LOCAL_STACK, Project
from overskill.stack_context import StackContext

usage = typer.Typer(no_args_is_help=True, help="What each app uses.")
console = Console(highlight=False)

NOBODY = "(no app)"
"""What tables call the usage that is nobody's."""

GAPS = 5
"""The most that are told one by one."""

MonthOption = Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="[default: this month, in UTC]")]


@usage.command()
def collect(
    since: Annotated[
        str, typer.Option(metavar="YYYY-MM-DD", help="From when on, the first time. [default: the audit's first deed]")
    ] = "",
    stack: Stack = LOCAL_STACK,
) -> None:
    """Read from Cloudflare what is due, an hour at a time, and hold it against the quotas of the plans.

    Whatever stops it, the same command goes on where it was.
    The control plane does it by itself, every 15 minutes unless OVERSKILL_USAGE_MINUTES says otherwise.
    """
    context = StackContext(Project(), stack)
    begin = _day(since) if since else None
    context.require()
    token = context.credentials.get("CLOUDFLARE_API_TOKEN")
    if not token:
        raise CommandError("CLOUDFLARE_API_TOKEN is not set: export one with Account Analytics Read")
    url = base_url(context.config.cloudflare.base_url, context.credentials)
    hours = requests = 0
    with (
        step("Usage: collect") as running,
        database(stack) as opened,
        AnalyticsApi(token, url, patience=Patience()) as api,
    ):
        for one in Collector(api, opened, context.config.overskill).collect(datetime.now(UTC), begin):
            hours, requests = hours + 1, requests + one.requests
            running.detail = f"{hours} hours, {requests:,} requests"
        quotas = {name: plan.quota for name, plan in context.config.overskill.plans.items()}
        with AppStore.of(context.config, context.credentials) as store:
            Quotas(AppStates(store, opened), quotas).enforce(datetime.now(UTC))


@usage.command()
def show(
    app: Annotated[str, typer.Argument(help="The app id, for its days. [default: all apps]")] = "",
    month: MonthOption = "",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    stack: Stack = LOCAL_STACK,
) -> None:
    """Tell what was used in a month, and how much of that month is known."""
    asked = month_of(month)
    with database(stack) as opened, opened.reading() as session:
        known = known_of(session, asked)
        if app:
            days = reading.by_day(session, app, asked.days)
            rows = {f"{day} {environment}".strip(): one for (day, environment), one in days.items()}
        else:
            rows = reading.by_app(session, asked.days)
    if as_json:
        told = {name: asdict(one) for name, one in rows.items()}
        print(json.dumps({"month": str(asked), "coverage": asdict(known), "usage": told}, indent=2, default=str))
        return
    console.print(_table(rows, "day" if app else "app") if rows else f"No usage in {asked}.")
    print("\n".join(coverage_lines(known)))


def month_of(text: str) -> Month:
    """Raises `CommandError`."""
    if not text:
        return Month.of(datetime.now(UTC))
    try:
        return Month.parse(text)
    except ValueError:
        raise CommandError(f"--month {text!r} is no month: write it like 2026-11") from None


def known_of(session: sa.orm.Session, month: Month) -> Coverage:
    """What is known of a month, up to the hour that runs now."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + HOUR
    return coverage(session, month.begin, max(month.begin, min(month.end, now)))


def coverage_lines(known: Coverage) -> Iterator[str]:
    """For people: what is missing, and where the two sources differ."""
    yield f"{known.read} of {known.hours} hours were read, {known.final} for good."
    if known.sample_interval > 1:
        yield f"Sampled: one data point stands for up to {known.sample_interval} requests, so these are estimates."
    for gap in known.gaps[:GAPS]:
        yield f"Nothing is known from {gap.begin:%Y-%m-%d %H:%M} to {gap.end:%Y-%m-%d %H:%M} UTC: ./dev usage collect"
    if more := known.gaps[GAPS:]:
        yield f"Nor of {len(more):,} more times, the last until {more[-1].end:%Y-%m-%d %H:%M} UTC"
    if known.differing:
        many = f"{len(known.differing)} hour{'s' if len(known.differing) > 1 else ''}"
        yield (
            f"The sources differ in {many}, first at {known.differing[0]:%Y-%m-%d %H:%M} UTC: of {known.dispatched:,} "
            f"dispatched requests the dispatch Worker tells, of {known.invocations:,} invocations Cloudflare."
        )


@contextmanager
def database(stack: str) -> Iterator[Database]:
    """The control plane's of a stack. Raises `CommandError` for a stack that there isn't, or one that can't be read."""
    project = Project()
    project.stack_values(stack)
    try:
        with control_plane_records.opened(project, stack) as opened:
            yield opened
    except sa.exc.OperationalError as error:
        raise CommandError(f"the control plane's database can't be used: {error.orig}") from None


def _table(rows: dict[str, Usage], first: str) -> Table:
    table = Table(first, box=None, pad_edge=False)
    for column in ("requests", "errors", "invocations", "CPU s", "MB in", "MB out"):
        table.add_column(column, justify="right")
    for name, one in rows.items():
        figures = f"{one.requests:,}", f"{one.errors:,}", f"{one.invocations:,}"
        amounts = f"{one.cpu_us / 1e6:,.1f}", f"{one.bytes_in / 1e6:,.1f}", f"{one.bytes_out / 1e6:,.1f}"
        table.add_row(escape(NOBODY if name == NO_APP else name), *figures, *amounts)
    return table


def _day(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise CommandError(f"--since {text!r} is no day: write it like 2026-11-01") from None
