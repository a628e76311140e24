"""What an operator may do about an app: have the platform answer in its place, and have it served again."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse, Response

from app_stacks.cloudflare_error import CloudflareError
from control_plane.app_states import AppStates
from control_plane.app_store import AppState, State
from control_plane.dashboard.pages import message
from control_plane.dashboard.session import Changing, Operator
from control_plane.notices import NO_NUL
from control_plane.state import GivenPlane, Plane
from control_plane.tables import App

router = APIRouter(include_in_schema=False)


@router.post("/apps/{app_id}/suspend")
def suspend(
    plane: GivenPlane,
    operator: Changing,
    app_id: str,
    reason: Annotated[str, Form(min_length=1, max_length=1000, pattern=NO_NUL)],
    state: Annotated[State, Form()],
) -> Response:
    since = dt.datetime.now(dt.UTC).replace(microsecond=0)
    return _set(plane, operator, app_id, AppState(state=state, reason=reason, since=since))


@router.post("/apps/{app_id}/resume")
def resume(plane: GivenPlane, operator: Changing, app_id: str) -> Response:
    return _set(plane, operator, app_id, None)


def _set(plane: Plane, operator: Operator, app_id: str, state: AppState | None) -> Response:
    with plane.database.reading() as session:
        if session.get(App, app_id) is None:
            return message(404, "No such app", f"There is no app {app_id}, or no longer.", operator)
    try:
        with AppStates.of(plane) as states:
            if state:
                states.suspend(app_id, state, actor=operator.actor, origin=operator.origin)
            else:
                states.resume(app_id, actor=operator.actor, origin=operator.origin)
    except CloudflareError as error:
        return message(502, "Nothing has changed", f"Cloudflare did not take it: {error}", operator)
    return RedirectResponse(f"/apps/{app_id}", 303)
