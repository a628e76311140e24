"""Usage collected by a server, beside its requests. Servers that share a database may all do it: it changes nothing."""

import asyncio
import datetime as dt
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sqlalchemy as sa

from app_stacks.cloudflare_error import CloudflareError
from control_plane.app_states import AppStates
from control_plane.background import running
from control_plane.state import Plane
from control_plane.usage.analytics import AnalyticsApi
from control_plane.usage.collector import Collector
from control_plane.usage.quotas import Quotas

FIRST = 60.0
"""Seconds from the start of a server to its first collection."""

log = logging.getLogger(__name__)


@asynccontextmanager
async def collecting(plane: Plane) -> AsyncIterator[None]:
    """Collect usage every so often, if the settings say so."""
    if plane.settings.usage_minutes == 0:
        yield
        return
    async with running(_run(plane)):
        yield


async def _run(plane: Plane) -> None:
    pause = FIRST
    while True:
        await asyncio.sleep(pause)
        try:
            await collect(plane)
        except (CloudflareError, sa.exc.DBAPIError):
            log.exception("usage is not collected now: what is missing is read the next time")
        pause = 60.0 * plane.settings.usage_minutes


async def collect(plane: Plane) -> None:
    """Once, an hour at a time, so that the server can stop between two."""
    settings = plane.settings
    with AnalyticsApi(settings.cloudflare_api_token.get_secret_value(), settings.cloudflare_url) as api:
        collected = Collector(api, plane.database, settings.platform).collect(dt.datetime.now(dt.UTC))
        while await asyncio.to_thread(next, collected, None):
            pass
    await asyncio.to_thread(_enforce, plane)


def _enforce(plane: Plane) -> None:
    with AppStates.of(plane) as states:
        Quotas(states, plane.settings.quotas).enforce(dt.datetime.now(dt.UTC))
