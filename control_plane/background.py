"""What core parts do beside the requests, for as long as a server runs."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import sqlalchemy as sa

from control_plane import previews, retention, rollback_api
from control_plane.broker.refusals import Refused
from control_plane.notifications import Notifier
from control_plane.state import Plane
from infra.credentials import events_secret

log = logging.getLogger(__name__)


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


@asynccontextmanager
async def preview_cleaning(plane: Plane) -> AsyncIterator[None]:
    """Remove the previews that nobody needs any more, where the settings say so."""
    if not plane.settings.preview_cleaning_hours or "preview" not in plane.settings.platform.namespaces:
        yield
        return
    async with running(_clean_previews(plane)):
        yield


async def _clean_previews(plane: Plane) -> None:
    while True:
        try:
            await previews.clean(plane)
        except (Refused, sa.exc.DBAPIError):
            log.exception("previews could not be cleaned; the next attempt follows")
        await asyncio.sleep(plane.settings.preview_cleaning_hours * 3600)


@asynccontextmanager
async def rollbacks(plane: Plane) -> AsyncIterator[None]:
    """Watch the rollbacks that an earlier server has left, each until its address serves it."""
    async with running(_watch(plane)):
        yield


async def _watch(plane: Plane) -> None:
    for row in await asyncio.to_thread(rollback_api.open_ones, plane):
        try:
            await rollback_api.finish(plane, row)
        except sa.exc.DBAPIError:
            log.exception("how rollback %d of %s ended can't be told", row.id, row.script)
