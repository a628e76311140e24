"""What a month costs: a page of the dashboard, and the same as one file that needs nothing else."""

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from control_plane.cost import charts, prices, projections
from control_plane.cost.report import COLUMNS, Report, report
from control_plane.dashboard.pages import message, page, render
from control_plane.dashboard.session import LoggedIn
from control_plane.database import Database
from control_plane.state import GivenPlane
from control_plane.usage.months import PATTERN, Month
from control_plane.usage.tables import UsageReading

STYLE = Path(__file__).parent / "static" / "style.css"
ROWS = 50
"""Apps of the table; the others are one row."""

KEPT = dt.timedelta(minutes=15)
"""How old what is shown may be where no usage was read since: apps and deploys come without it."""

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/cost")
def cost(
    request: Request,
    plane: GivenPlane,
    operator: LoggedIn,
    month: Annotated[str, Query(pattern=f"^({PATTERN})?$")] = "",
) -> HTMLResponse:
    now = dt.datetime.now(dt.UTC)
    reports: Reports = request.app.state.cost_reports
    try:
        found = reports.of(plane.database, Month.parse(month) if month else Month.of(now), now)
    except LookupError as error:
        return message(404, "No such bill", f"{error}.", operator)
    return render("cost.html", operator, **_content(found))


class Reports:
    """The last report that was asked for, kept until there is more to tell: with 50,000 apps one takes seconds."""

    def __init__(self) -> None:
        self._kept: tuple[dt.datetime | None, Report] | None = None

    def of(self, database: Database, month: Month, now: dt.datetime) -> Report:
        """Raises `LookupError` for a month of which there are no prices."""
        with database.reading() as session:
            newest = session.scalar(sa.select(sa.func.max(UsageReading.read_at)))
            if self._kept is not None:
                read_at, found = self._kept
                if (read_at, found.month) == (newest, month) and now - found.made_at < KEPT:
                    return found
            found = report(session, month, now)
        self._kept = newest, found
        return found


def standalone(found: Report) -> str:
    """The report as one HTML file, for browsers without a network."""
    return page("cost_report.html", operator=None, style=Markup(STYLE.read_text()), **_content(found))  # noqa: S704


def _content(found: Report) -> dict[str, Any]:
    return {
        "report": found,
        "plots": {
            "requests": charts.requests_by_day(found),
            "shares": charts.cost_by_app(found),
            "what_if": charts.cost_of_an_app(found),
        },
        "rows": found.rows[:ROWS],
        "others": found.rows[ROWS:],
        "columns": [name for name in COLUMNS if any(row.shares[name] for row in found.rows)],
        "goal": projections.GOAL,
        "dollars": charts.dollars,
        "prices": prices,
    }
