"""The application: which part answers where, and what runs beside the requests."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from control_plane import background, webhooks
from control_plane.broker import routes as broker
from control_plane.migration import migrate
from control_plane.provisioning import queue
from control_plane.provisioning import routes as provisioning
from control_plane.state import Plane

ROUTERS = (webhooks.router, broker.router, provisioning.router)
"""Each part's routes."""

TASKS = (background.deliveries, queue.running)
"""What runs beside the requests: asynchronous context managers over the `Plane`, begun in this order."""


def application(plane: Plane) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        migrate(plane.database)
        async with AsyncExitStack() as stack:
            for task in TASKS:
                await stack.enter_async_context(task(plane))
            yield

    # FastAPI's pages for readers load their scripts from elsewhere; the description alone is at /openapi.json.
    app = FastAPI(title="OverSkill control plane", version="1", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.plane = plane
    for router in ROUTERS:
        app.include_router(router)
    return app
