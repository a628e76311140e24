"""What core parts do beside the requests, for as long as a server runs."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from control_plane import retention
from control_plane.notifications import Notifier
from control_plane.state import Plane
from infra.credentials import events_secret


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs it until the end of the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def deliveries(plane: Plane) -> AsyncIterator[None]:
    """Work off what the inbox holds."""
    async with running(plane.inbox.work()):
        yield


@asynccontextmanager
async def stream(plane: Plane) -> AsyncIterator[None]:
    """Pass events on to those who watch."""
    await plane.stream.begin()
    async with running(plane.stream.run()):
        yield


@asynccontextmanager
async def notifications(plane: Plane) -> AsyncIterator[None]:
    """Tell the builder of events, if there is one to be told."""
    if plane.settings.builder_url is None:
        yield
        return
    root = plane.settings.webhook_secret.get_secret_value()
    async with running(Notifier(plane.database, plane.settings.builder_url, events_secret(root)).run()):
        yield


@asynccontextmanager
async def cleaning(plane: Plane) -> AsyncIterator[None]:
    """Delete what is kept for a time only."""
    async with running(retention.run(plane.database)):
        yield
