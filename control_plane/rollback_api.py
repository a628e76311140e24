"""`POST /api/apps/{id}/rollback` and `POST /api/apps/{id}/unpin`; what began is brought to its end after a restart."""

import asyncio
import logging
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, BackgroundTasks, HTTPException
from pydantic import BaseModel, ConfigDict

from control_plane.access import Caller, requires
from control_plane.broker.refusals import Refused
from control_plane.deployments import DeploymentRecord
from control_plane.notices import Number, Text
from control_plane.rollback import Rollbacks, Wish
from control_plane.state import GivenPlane, Plane
from control_plane.tables import Deployment
from infra.names import AppEnvironment

log = logging.getLogger(__name__)

router = APIRouter(prefix="/api/apps", tags=["deployments"])

Deployer = Annotated[Caller, requires("deployments:write")]


class Rollback(BaseModel):
    """`to`: a deployment of the app in this app environment, or the last good one before what is live; `pin`: later
    deploys are refused until it is lifted."""

    model_config = ConfigDict(extra="forbid")

    environment: AppEnvironment = "production"
    to: Number | None = None
    pin: bool = False


class Unpinning(BaseModel):
    model_config = ConfigDict(extra="forbid")

    environment: AppEnvironment = "production"


class Unpinned(BaseModel):
    """`lifted`: whether there was a pin."""

    lifted: bool


@router.post("/{app_id}/rollback", status_code=202)
async def roll_back(
    plane: GivenPlane, caller: Deployer, app_id: Text, wanted: Rollback, after: BackgroundTasks
) -> DeploymentRecord:
    """Upload the bundle of an earlier deployment again, as a deployment of its own, and watch until it is served."""
    wish = Wish(app_id=app_id, actor=caller.actor, origin=caller.origin, **wanted.model_dump())
    try:
        async with Rollbacks.of(plane) as rollbacks:
            row = await rollbacks.begin(wish)
    except Refused as refused:
        raise HTTPException(refused.status, refused.message) from None
    after.add_task(finish, plane, row)
    return DeploymentRecord.of(row)


@router.post("/{app_id}/unpin")
async def unpin(plane: GivenPlane, caller: Deployer, app_id: Text, wanted: Unpinning) -> Unpinned:
    """Have deploys go on in an app environment that a rollback has pinned."""
    wish = Wish(app_id=app_id, environment=wanted.environment, actor=caller.actor, origin=caller.origin)
    try:
        async with Rollbacks.of(plane) as rollbacks:
            return Unpinned(lifted=await asyncio.to_thread(rollbacks.unpin, wish))
    except Refused as refused:
        raise HTTPException(refused.status, refused.message) from None


async def finish(plane: Plane, row: Deployment) -> None:
    """Watch until it is served, and record how that ends, unless its app is removed meanwhile."""
    async with Rollbacks.of(plane) as rollbacks:
        try:
            await rollbacks.finish(row)
        except Refused as refused:
            log.info("rollback %d of %s has no end: %s", row.id, row.script, refused.message)


def open_ones(plane: Plane) -> list[Deployment]:
    """Rollbacks, and scripts that were rebuilt, whose end nobody watches: who did is no more."""
    own = sa.select(Deployment).where(Deployment.source != "pipeline", Deployment.status == "uploaded")
    with plane.database.reading() as session:
        return list(session.scalars(own))
