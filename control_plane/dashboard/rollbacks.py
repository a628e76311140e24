"""What an operator may do about a deploy: go back to an earlier one, and let deploys go on after a pin."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Form
from fastapi.responses import RedirectResponse, Response

from control_plane import rollback_api
from control_plane.broker.refusals import Refused
from control_plane.dashboard.pages import message
from control_plane.dashboard.session import Changing
from control_plane.notices import Number, Text
from control_plane.rollback import Rollbacks, Wish
from control_plane.state import GivenPlane
from infra.names import AppEnvironment

router = APIRouter(include_in_schema=False)


@router.post("/apps/{app_id}/rollback")
async def roll_back(  # noqa: PLR0913 - a field of the form each
    *,
    plane: GivenPlane,
    operator: Changing,
    app_id: Text,
    environment: Annotated[AppEnvironment, Form()],
    to: Annotated[Number, Form()],
    after: BackgroundTasks,
    pin: Annotated[bool, Form()] = False,
) -> Response:
    wish = Wish(app_id=app_id, environment=environment, to=to, pin=pin, actor=operator.actor, origin=operator.origin)
    try:
        async with Rollbacks.of(plane) as rollbacks:
            row = await rollbacks.begin(wish)
    except Refused as refused:
        return message(refused.status, "Nothing has changed", f"{refused.message}.", operator)
    after.add_task(rollback_api.finish, plane, row)
    return RedirectResponse(f"/apps/{app_id}", 303)


@router.post("/apps/{app_id}/unpin")
async def unpin(
    plane: GivenPlane, operator: Changing, app_id: Text, environment: Annotated[AppEnvironment, Form()]
) -> Response:
    wish = Wish(app_id=app_id, environment=environment, actor=operator.actor, origin=operator.origin)
    try:
        async with Rollbacks.of(plane) as rollbacks:
            await asyncio.to_thread(rollbacks.unpin, wish)
    except Refused as refused:
        return message(refused.status, "Nothing has changed", f"{refused.message}.", operator)
    return RedirectResponse(f"/apps/{app_id}", 303)
