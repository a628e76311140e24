"""`POST /api/apps/{id}/suspend` and `POST /api/apps/{id}/resume`."""

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints

from app_stacks.cloudflare_error import CloudflareError
from control_plane.access import Caller, requires
from control_plane.app_states import ACTIVE, AppStates
from control_plane.app_store import AppState, State
from control_plane.notices import NO_NUL
from control_plane.state import GivenPlane, Plane
from control_plane.tables import App

router = APIRouter(prefix="/api/apps", tags=["apps"])

Writer = Annotated[Caller, requires("apps:write")]


class Suspension(BaseModel):
    """Visitors are told of `state` and not of `reason`; nothing resumes by itself at `until`."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000, pattern=NO_NUL)]
    state: State = "suspended"
    until: AwareDatetime | None = None


@router.post("/{app_id}/suspend")
def suspend(plane: GivenPlane, caller: Writer, app_id: str, suspension: Suspension) -> Any:
    """Have the platform answer in an app's place, in every app environment; seen within seconds."""
    _known(plane, app_id)
    since = dt.datetime.now(dt.UTC).replace(microsecond=0)
    state = AppState(state=suspension.state, reason=suspension.reason, since=since, until=suspension.until)
    try:
        with AppStates.of(plane) as states:
            states.suspend(app_id, state, actor=caller.actor, origin=caller.origin)
    except CloudflareError as error:
        raise HTTPException(502, str(error)) from None
    return {"app": app_id, **state.model_dump(mode="json")}


@router.post("/{app_id}/resume")
def resume(plane: GivenPlane, caller: Writer, app_id: str) -> Any:
    """Have an app served again; one that is, stays so."""
    _known(plane, app_id)
    try:
        with AppStates.of(plane) as states:
            states.resume(app_id, actor=caller.actor, origin=caller.origin)
    except CloudflareError as error:
        raise HTTPException(502, str(error)) from None
    return {"app": app_id, "state": ACTIVE}


def _known(plane: Plane, app_id: str) -> None:
    with plane.database.reading() as session:
        if session.get(App, app_id) is None:
            raise HTTPException(404, f"there is no app {app_id}")
