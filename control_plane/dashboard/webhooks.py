"""The webhooks that failed, and what an operator may do about those that were given up."""

from typing import Annotated, get_args

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from control_plane import redelivery
from control_plane.dashboard import views
from control_plane.dashboard.pages import message, render
from control_plane.dashboard.session import Changing, LoggedIn
from control_plane.notices import Number
from control_plane.state import GivenPlane

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/failed-webhooks")
def failed_webhooks(
    plane: GivenPlane, operator: LoggedIn, again: Annotated[int | None, Query(ge=0)] = None
) -> HTMLResponse:
    """`again`: how many the operator has just had tried again."""
    with plane.database.reading() as session:
        since = views.last_event(session)
        found, given_up = redelivery.failed(session, views.ROWS), redelivery.given_up(session)
    return render("webhooks.html", operator, since=since, failed=found, given_up=given_up, again=again)


@router.post("/failed-webhooks/retry")
def retry_all(plane: GivenPlane, operator: Changing) -> Response:
    with plane.database.writing() as session:
        kinds = get_args(redelivery.Kind)
        count = redelivery.all_again(session, kinds, actor=operator.actor, origin=operator.origin)
    return _back(count)


@router.post("/failed-webhooks/{kind}/{number}/retry")
def retry(plane: GivenPlane, operator: Changing, kind: redelivery.Kind, number: Number) -> Response:
    """One that another operator was faster with, or that is no longer kept, is none of a mistake."""
    with plane.database.writing() as session:
        try:
            redelivery.again(session, kind, number, actor=operator.actor, origin=operator.origin)
        except (redelivery.Unknown, redelivery.Undead) as error:
            return message(409, "Nothing has changed", f"{error}.", operator)
    return _back(1)


def _back(count: int) -> Response:
    return RedirectResponse(f"/failed-webhooks?again={count}", 303)
