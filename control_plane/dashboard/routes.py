"""The pages. Each shows what is so now, and asks for itself again when something of it has changed."""

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from control_plane.dashboard import views
from control_plane.dashboard.pages import message, render
from control_plane.dashboard.session import LoggedIn
from control_plane.state import GivenPlane
from control_plane.tables import App
from control_plane.usage import reading
from control_plane.usage.months import Month

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

Before = Annotated[int | None, Query(ge=1, lt=2**63)]


@router.get("/")
def apps(
    plane: GivenPlane,
    operator: LoggedIn,
    q: Annotated[str, Query(max_length=100)] = "",
    state: Literal["", "active", "suspended"] = "",
    after: Annotated[str, Query(max_length=100)] = "",
) -> HTMLResponse:
    with plane.database.reading() as session:
        since = views.last_event(session)
        part = views.apps(session, q, state, after)
    return render("apps.html", operator, since=since, part=part, q=q, state=state, after=after)


@router.get("/apps/{app_id}")
def app(app_id: str, plane: GivenPlane, operator: LoggedIn, before: Before = None) -> HTMLResponse:
    month = Month.of(dt.datetime.now(dt.UTC))
    with plane.database.reading() as session:
        since = views.last_event(session)
        found = session.get(App, app_id)
        if found is None:
            return message(404, "No such app", f"There is no app {app_id}, or no longer.", operator)
        return render(
            "app.html",
            operator,
            since=since,
            app=found,
            places=views.places(session, found),
            deployments=views.deployments(session, app_id, before),
            audit=views.audit(session, views.subjects(found), None),
            usage=reading.by_environment(session, app_id, month.days),
            month=month,
            before=before,
        )


@router.get("/activity")
def activity(plane: GivenPlane, operator: LoggedIn, before: Before = None) -> HTMLResponse:
    with plane.database.reading() as session:
        since = views.last_event(session)
        part = views.deployments(session, None, before)
    return render("activity.html", operator, since=since, deployments=part, before=before)


@router.get("/provisions")
def provisions(plane: GivenPlane, operator: LoggedIn) -> HTMLResponse:
    with plane.database.reading() as session:
        since = views.last_event(session)
        found = views.provisions(session)
    return render("provisions.html", operator, since=since, provisions=found)


@router.get("/audit")
def audit(
    plane: GivenPlane, operator: LoggedIn, subject: Annotated[str, Query(max_length=200)] = "", before: Before = None
) -> HTMLResponse:
    with plane.database.reading() as session:
        since = views.last_event(session)
        part = views.audit(session, [subject] if subject else [], before)
    return render("audit.html", operator, since=since, audit=part, subject=subject, before=before)
