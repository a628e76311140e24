"""Whether the process lives, whether it can work, and its figures."""

import datetime as dt
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from control_plane import telemetry
from control_plane.access import Caller, requires
from control_plane.state import GivenPlane, Plane
from control_plane.tables import Delivery

STUCK = dt.timedelta(minutes=5)
"""A webhook that is due for so long is not being worked off."""

router = APIRouter(tags=["health"])


@router.get("/health")
async def health() -> dict[str, str]:
    """The process answers. Restart it if this does not."""
    return {"status": "ok"}


@router.get("/ready")
def ready(plane: GivenPlane, response: Response) -> dict[str, str]:
    """Whether requests may be sent here. 503, with what is wrong, if the database or the inbox does not work."""
    checks = {"database": "ok", "inbox": "ok"}
    try:
        checks["inbox"] = _inbox(plane)
    except sa.exc.SQLAlchemyError:
        checks |= {"database": "not reached", "inbox": "not known"}
    if set(checks.values()) != {"ok"}:
        response.status_code = 503
    return checks


@router.get("/metrics", response_class=Response)
def metrics(plane: GivenPlane, _caller: Annotated[Caller, requires("metrics:read")]) -> Response:
    return Response(telemetry.figures(plane), media_type=CONTENT_TYPE_LATEST)


def _inbox(plane: Plane) -> str:
    due = dt.datetime.now(dt.UTC) - STUCK
    with plane.database.reading() as session:
        stuck = session.scalar(sa.select(Delivery.id).where(Delivery.next_at < due).limit(1))
    return "ok" if stuck is None else f"a webhook is due for more than {STUCK.seconds // 60} minutes"
