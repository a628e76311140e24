"""The API as one ASGI application: both emulated services, git, what the edge asks, the local cloud's own calls."""

import re
from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from local_cloud import cloudflare, github
from local_cloud.actions.routes import actions_routes
from local_cloud.actions.runner import Runner
from local_cloud.cloud import Cloud
from local_cloud.cloudflare.d1_uploads import upload_routes
from local_cloud.cloudflare.dialect import Cloudflare
from local_cloud.console.routes import console_routes
from local_cloud.control import control_routes
from local_cloud.exchanges import Exchanges, Recorder
from local_cloud.gate import Gate
from local_cloud.github.api import GitHub
from local_cloud.github.git_http import git_routes
from local_cloud.github.hookshot import Hookshot
from local_cloud.real_tokens import REASON, RealTokenGuard
from local_cloud.service import Service
from local_cloud.snapshots import Snapshots
from local_cloud.writes import Writes

SERVICES = {
    "Cloudflare": re.compile(rf"{cloudflare.ROOT}/.*"),
    "GitHub": re.compile(rf"{github.ROOT}/.*"),
    "git": re.compile(r".*/(?:info/refs|git-(?:upload|receive)-pack)"),
}
"""By their paths."""


def create_app(cloud: Cloud, writes: Writes, edge_routes: Sequence[BaseRoute]) -> Starlette:
    """`edge_routes`: what only the edge asks, by path or by host; first, since a path at its host may be any."""
    runner = Runner(cloud, writes)
    writes.watch("outbox", Hookshot(cloud, writes).send_all)
    for collection in ("active_runs", "repositories"):
        writes.watch(collection, runner.schedule)
    exchanges, snapshots, gate = Exchanges(), Snapshots(cloud), Gate(cloud)
    services = (
        Service(cloudflare.ROOT, Cloudflare(), cloudflare.TABLE, cloud, writes),
        Service(github.ROOT, GitHub(), github.TABLE, cloud, writes),
    )

    def refuse_real_token(path: str) -> Response:
        for service in services:
            if path.startswith(f"{service.root}/"):
                return service.real_token()
        return PlainTextResponse(f"{REASON}\n", 401, {"WWW-Authenticate": 'Basic realm="GitHub"'})

    public = [
        *(Mount(service.root, service) for service in services),
        *upload_routes(cloud, writes),
        *actions_routes(cloud, writes),
        *git_routes(cloud, writes),
        Route("/{path:path}", _nowhere, methods=["DELETE", "GET", "PATCH", "POST", "PUT"]),
    ]
    app = Starlette(
        routes=[
            *edge_routes,
            *control_routes(cloud, writes, snapshots, exchanges, gate),
            *console_routes(cloud, snapshots, exchanges, gate),
            Mount(
                "/",
                routes=public,
                middleware=[
                    Middleware(Recorder, exchanges, SERVICES),
                    Middleware(RealTokenGuard, refuse_real_token),
                ],
            ),
        ]
    )
    app.state.runner = runner
    return app


async def _nowhere(request: Request) -> Response:
    # Not 404: a client with a wrong base URL would take that as "the resource is gone".
    roots = f"Cloudflare is at {cloudflare.ROOT}, GitHub at {github.ROOT}/"
    return JSONResponse({"message": f"The local cloud has nothing at {request.url.path}: {roots}"}, 501)
