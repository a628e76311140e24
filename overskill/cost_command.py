"""`overskill cost`: what a month costs, and each app's share of it."""

import csv
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from control_plane.cost import amounts
from control_plane.cost.charts import dollars
from control_plane.cost.prices import MICRO, count, unit
from control_plane.cost.projections import GOAL
from control_plane.cost.report import COLUMNS, AppCost, Report, report
from control_plane.usage.tables import NO_APP
from overskill.errors import CommandError
from overskill.options import Stack
from overskill.project import LOCAL_STACK
from overskill.usage_command import NOBODY, MonthOption, coverage_lines, database, month_of

SHOWN = 20
"""Apps of the table; `--csv` has all."""

console = Console(highlight=False)


def cost(  # noqa: PLR0913 - an option each
    *,
    month: MonthOption = "",
    as_csv: Annotated[bool, typer.Option("--csv", help="Every app, for spreadsheets.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="All of it, for programs; money in micro-dollars.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a report with plots, which needs no network, there.")] = None,
    given: Annotated[
        Path | None,
        typer.Option(
            "--amounts", help="A CSV file of use that is not collected: app, meter (such as d1_rows_read), amount."
        ),
    ] = None,
    stack: Stack = LOCAL_STACK,
) -> None:
    """Tell what a month costs, each app's share, and what it would be with more apps. Shares add up to the bill."""
    asked = month_of(month)
    try:
        with database(stack) as opened, opened.reading() as session:
            found = report(session, asked, datetime.now(UTC), amounts.given(given) if given else None)
    except LookupError as error:
        raise CommandError(str(error)) from None
    except (OSError, ValueError) as error:
        raise CommandError(f"--amounts {given}: {error}") from None
    if html:
        from control_plane.dashboard.cost import standalone  # noqa: PLC0415 - no other command has to load it

        html.write_text(standalone(found))
        print(f"{html}: {dollars(found.bill.total)} for {len(found.bill.apps):,} apps in {asked.name}")
    elif as_json:
        print(json.dumps(_document(found), indent=2))
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(["app", "requests", "cpu_ms", "scripts", *(f"{column}_cost" for column in COLUMNS), "cost"])
        writer.writerows(_record(row) for row in found.rows)
    else:
        _show(found)


def _show(found: Report) -> None:
    columns = [name for name in COLUMNS if any(row.shares[name] for row in found.rows)]
    table = Table("app", box=None, pad_edge=False)
    for column in ("requests", "CPU s", "scripts", *(f"for {column}" for column in columns), "cost"):
        table.add_column(column, justify="right")
    for row in found.rows[:SHOWN]:
        table.add_row(*_cells(row, columns))
    if others := found.rows[SHOWN:]:
        table.add_row(*_cells(_sum(f"{len(others):,} more", others), columns))
    table.add_row(*_cells(_sum("all", found.rows), columns), style="bold")
    console.print(table)
    print("\n".join(_lines(found)))


def _lines(found: Report) -> Iterator[str]:
    yield ""
    for line in found.bill.lines:
        if line.cost:
            used = f"{count(line.meter, line.amount)} used, {count(line.meter, line.included)} included"
            yield f"{line.service}, {unit(line.meter)}: {used}: {dollars(line.cost)}"
    yield f"The bill of {found.month.name}{'' if found.is_over else ' so far'}: {dollars(found.bill.total)}"
    if found.forecast is not None and not found.is_over:
        yield f"Forecast for the whole month: {dollars(found.forecast)}"
    met = "met" if found.of_app <= GOAL else "not met"
    yield f"An app a month, on average: {dollars(round(found.of_app))}; the goal of {dollars(GOAL)} is {met}"
    for one in found.scenarios:
        yield (
            f"With {one.apps:,} apps like these: {dollars(one.cost)} a month, {dollars(round(one.of_app))} an app. "
            f"As standard Workers: {dollars(one.standard)} in {one.accounts:,} accounts, "
            f"{dollars(one.account_each)} with an account for each app"
        )
    previews = found.previews
    yield (
        f"{previews.scripts:,} of {previews.of_scripts:,} scripts are of pull requests: to clear them saves "
        f"{dollars(previews.saved)} a month. For previews: {previews.requests:,} of {previews.of_requests:,} requests."
    )
    yield from coverage_lines(found.known)


def _cells(row: AppCost, columns: list[str]) -> list[str]:
    name = NOBODY if row.app_id == NO_APP else row.app_id
    shares = [dollars(row.shares[column]) for column in columns]
    return [name, f"{row.requests:,}", f"{row.cpu_us / 1e6:,.1f}", f"{row.scripts:,}", *shares, dollars(row.total)]


def _sum(name: str, rows: tuple[AppCost, ...]) -> AppCost:
    return AppCost(
        app_id=name,
        requests=sum(row.requests for row in rows),
        cpu_us=sum(row.cpu_us for row in rows),
        scripts=sum(row.scripts for row in rows),
        shares={column: sum(row.shares[column] for row in rows) for column in COLUMNS},
    )


def _record(row: AppCost) -> list[Any]:
    """Exact: money in dollars with six digits."""
    shares = [f"{row.shares[column] / MICRO:.6f}" for column in COLUMNS]
    return [row.app_id, row.requests, f"{row.cpu_us / 1000:.3f}", row.scripts, *shares, f"{row.total / MICRO:.6f}"]


def _document(found: Report) -> dict[str, Any]:
    lines = found.bill.lines
    return {
        "month": str(found.month),
        "total": found.bill.total,
        "forecast": found.forecast,
        "average": float(found.of_app),
        "goal": GOAL,
        "coverage": {"hours": found.known.hours, "read": found.known.read, "final": found.known.final},
        "lines": [
            {name: getattr(line, name) for name in ("service", "meter", "amount", "included", "cost")} for line in lines
        ],
        "apps": {row.app_id: {**vars(row), "cost": row.total} for row in found.rows},
        "scenarios": [vars(one) for one in found.scenarios],
        "previews": vars(found.previews),
    }
