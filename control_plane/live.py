"""Live updates: server-sent events, of one app or of all, which go on where a client was when its connection broke."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, HTTPException
from fastapi.responses import StreamingResponse

from control_plane.access import Caller, requires
from control_plane.notices import Text
from control_plane.state import GivenPlane, Plane
from control_plane.stream import BEAT
from control_plane.tables import App
from control_plane.telemetry import WATCHERS

LONGEST = 900
"""Seconds after which a client has to come again, and to show that it still may."""

router = APIRouter(tags=["live"])

Place = Annotated[int | None, Header(ge=0, lt=2**63)]
Watcher = Annotated[Caller, requires("events:read")]


class EventStream(StreamingResponse):
    media_type = "text/event-stream"


def known_app(app_id: Text, plane: GivenPlane) -> str:
    """Raises 404."""
    with plane.database.reading() as session:
        if session.get(App, app_id) is None:
            raise HTTPException(404, f"there is no app {app_id}")
    return app_id


KnownApp = Annotated[str, Depends(known_app)]


@router.get("/api/events", response_class=EventStream)
async def all_events(plane: GivenPlane, _: Watcher, last_event_id: Place = None) -> EventStream:
    """What happens, as it happens. Each message is an event: `{"id", "type", "app", "at", "data"}`.

    With `Last-Event-ID` it begins after that one. Where events after it are no longer kept, a message `reset` says so.
    """
    return stream(plane, last_event_id)


@router.get("/api/apps/{app_id}/events", response_class=EventStream)
async def app_events(app_id: KnownApp, plane: GivenPlane, _: Watcher, last_event_id: Place = None) -> EventStream:
    """What happens to one app, as `/api/events` has it."""
    return stream(plane, last_event_id, app_id)


def stream(plane: Plane, last_event_id: int | None, app_id: str | None = None) -> EventStream:
    """The answer to somebody who may watch."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # or nginx would collect events
    return EventStream(_frames(plane, last_event_id, app_id), headers=headers)


async def _frames(plane: Plane, last_event_id: int | None, app_id: str | None) -> AsyncIterator[bytes]:
    now = asyncio.get_running_loop().time
    until, silent = now() + LONGEST, now()
    place, opening = plane.stream.newest, "retry: 1000\n\n"
    if last_event_id is not None:
        oldest, newest = await asyncio.to_thread(plane.stream.span)
        place = newest if last_event_id > newest else max(last_event_id, oldest - 1)
        if place != last_event_id:
            told = {"asked": last_event_id, "oldest": oldest, "newest": newest}
            opening += f"id: {place}\nevent: reset\ndata: {json.dumps(told)}\n\n"
    with WATCHERS.track_inprogress():
        yield opening.encode()
        async for found in plane.stream.after(place, app_id):
            if found or now() >= silent:
                yield b"".join(told.frame for told in found) or b":\n\n"
                silent = now() + BEAT
            if now() > until:
                return
