"""What a month costs: a page of the dashboard, and the same as one file that needs nothing else."""

import datetime as dt
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from control_plane.cost import charts, prices, projections
from control_plane.cost.report import COLUMNS, Report, report
from control_plane.dashboard.pages import message, page, render
from control_plane.dashboard.session import LoggedIn
from control_plane.state import GivenPlane
from control_plane.usage.months import Month

STYLE = Path(__file__).parent / "static" / "style.css"
ROWS = 50
"""Apps of the table; the others are one row."""

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/cost")
def cost(
    plane: GivenPlane, operator: LoggedIn, month: Annotated[str, Query(pattern=r"^(\d{4}-(0[1-9]|1[0-2]))?$")] = ""
) -> HTMLResponse:
    now = dt.datetime.now(dt.UTC)
    asked = Month.parse(month) if month else Month.of(now)
    try:
        with plane.database.reading() as session:
            found = report(session, asked, now)
    except LookupError as error:
        return message(404, "No such bill", f"{error}.", operator)
    return render("cost.html", operator, **_content(found))


def standalone(found: Report) -> str:
    """The report as one HTML file, for browsers without a network."""
    return page("cost_report.html", operator=None, style=Markup(STYLE.read_text()), **_content(found))  # noqa: S704


def _content(found: Report) -> dict[str, object]:
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
