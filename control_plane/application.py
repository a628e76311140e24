"""The application: which part answers where, and what runs beside the requests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError

from control_plane import (
    app_states_api,
    background,
    dashboard,
    dead_letters,
    guard,
    health,
    invalid_requests,
    live,
    records,
    rollback_api,
    telemetry,
    traces,
    unavailable,
    webhooks,
)
from control_plane.billing import routes as billing
from control_plane.broker import routes as broker
from control_plane.broker.attempts import Refusals
from control_plane.migration import migrate
from control_plane.provisioning import queue
from control_plane.provisioning import routes as provisioning
from control_plane.rate_limits import RateLimit
from control_plane.state import Plane
from control_plane.usage import routes as usage_routes
from control_plane.usage import task as usage

ROUTERS = (
    health.router,
    webhooks.router,
    live.router,
    records.router,
    dead_letters.router,
    broker.router,
    provisioning.router,
    app_states_api.router,
    usage_routes.router,
    billing.router,
    rollback_api.router,
)
"""Each part's routes."""

TASKS = (
    background.stream,
    background.deliveries,
    background.notifications,
    background.cleaning,
    usage.collecting,
    background.rollbacks,
    background.preview_cleaning,
    queue.running,
)
"""What runs beside the requests: asynchronous context managers over the `Plane`, begun in this order."""


def application(plane: Plane) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        migrate(plane.database)
        async with AsyncExitStack() as stack:
            for task in TASKS:
                await stack.enter_async_context(task(plane))
            yield

    app = FastAPI(
        title="OverSkill control plane",
        version="1",
        lifespan=lifespan,
        openapi_url="/api/openapi.json",
        docs_url=None,  # both would have a browser load their scripts from elsewhere
        redoc_url=None,
        responses={422: {"model": invalid_requests.Refusal, "description": "It is not as it is described here."}},
    )
    app.state.plane = plane
    app.state.calls_of_tokens = RateLimit(plane.settings.api_calls_a_minute, "this token calls too often")
    app.state.refusals = Refusals()
    app.state.large_bodies = asyncio.Semaphore(webhooks.LARGE_AT_ONCE)
    for router in ROUTERS:
        app.include_router(router)
    dashboard.install(app)
    unavailable.install(app)
    app.add_exception_handler(RequestValidationError, invalid_requests.told)
    app.add_middleware(telemetry.Measured)
    app.add_middleware(guard.Guard, settings=plane.settings)
    traces.trace(app)
    return app
