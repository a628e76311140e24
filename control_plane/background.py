"""What core parts do beside the requests, for as long as a server runs."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from control_plane.state import Plane


@asynccontextmanager
async def _running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
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
    async with _running(plane.inbox.work()):
        yield
