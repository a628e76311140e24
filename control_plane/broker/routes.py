"""The broker's one route: each call below its root is one of a deploy, or refused."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Request, Response

from control_plane.broker import asset_calls, calls, script_calls
from control_plane.broker.attempts import Attempt
from control_plane.broker.broker import Broker, running
from control_plane.broker.calls import Call, Kind
from control_plane.broker.refusals import Refused, refusal
from control_plane.state import GivenPlane

METHODS = ["GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "DELETE"]

HANDLERS: Mapping[Kind, Callable[[Broker, Request, Call, Attempt], Awaitable[Response]]] = {
    "look": script_calls.look,
    "secrets": script_calls.secrets,
    "settings": script_calls.settings,
    "upload": script_calls.upload,
    "delete": script_calls.delete,
    "session": asset_calls.session,
    "assets": asset_calls.upload,
}


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[dict[str, Broker]]:
    async with running(app.state.plane) as broker:
        yield {"broker": broker}


router = APIRouter(lifespan=_lifespan)


@router.api_route(f"{calls.ROOT}/{{path:path}}", methods=METHODS, include_in_schema=False)
async def deploy(request: Request, plane: GivenPlane) -> Response:
    """Open to anybody: the identity token of each call says who it is, and what that may do."""
    attempt = Attempt(plane.database, request.client and request.client.host, request.app.state.refusals)
    try:
        call = calls.parse(request.method, request.scope["raw_path"].decode("latin-1"))
        attempt.action = f"deploy.{call.kind}"
        attempt.subject = f"script:{call.script}" if call.script else attempt.subject
        return await HANDLERS[call.kind](request.state.broker, request, call, attempt)
    except Refused as refused:
        await attempt.refused(refused)
        return refusal(refused.status, refused.message)
