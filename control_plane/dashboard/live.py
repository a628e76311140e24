"""What an open page is told as it happens: which of its parts have changed, and, for people, what that was."""

import asyncio
import html
import json
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from control_plane import operators, telemetry
from control_plane.dashboard.pages import word
from control_plane.dashboard.session import LoggedIn, cookie_name
from control_plane.state import GivenPlane, Plane
from control_plane.stream import Told

router = APIRouter(include_in_schema=False)


@router.get("/live")
async def live(
    request: Request,
    plane: GivenPlane,
    _: LoggedIn,
    after: Annotated[int, Query(ge=0, lt=2**63)],
    app: str | None = None,
    last_event_id: Annotated[int | None, Header(ge=0, lt=2**63)] = None,
) -> StreamingResponse:
    """Server-sent events, of one app or of all, from where the page was made, or where the connection broke.

    An event is called by what has changed: `deploy`, `app`, `provision`. `told` has a text for people, and `over` ends
    it: the session does not hold any more.
    """
    cookie = request.cookies[cookie_name(plane.settings)]
    frames = _frames(plane, cookie, after if last_event_id is None else last_event_id, app)
    return StreamingResponse(frames, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _frames(plane: Plane, cookie: str, asked: int, app_id: str | None) -> AsyncIterator[bytes]:
    with telemetry.WATCHERS.track_inprogress():
        yield b"retry: 1000\n\n"
        _, newest = await asyncio.to_thread(plane.stream.span)
        async for found in plane.stream.after(min(asked, newest), app_id):
            yield _frame(found) if found else b":\n\n"
            if await asyncio.to_thread(operators.login, plane.database, cookie) is None:
                yield b"event: over\ndata: over\n\n"
                return


def _frame(found: Sequence[Told]) -> bytes:
    """One event for each kind, however much has come: the page asks once, and gets all of it."""
    events = [json.loads(told.frame.partition(b"data: ")[2]) for told in found]
    kinds = dict.fromkeys(event["type"].partition(".")[0] for event in events)
    last = events[-1]
    subject = last["data"].get("script") or last["app"] or ""
    change = last["data"].get("step") or last["type"].partition(".")[2]
    lines = [f"event: {kind}\ndata: {found[-1].id}\n\n" for kind in kinds]
    lines.append(f"id: {found[-1].id}\nevent: told\ndata: {html.escape(f'{subject}: {word(change)}')}\n\n")
    return "".join(lines).encode()
