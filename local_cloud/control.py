"""The local cloud's own calls, `/_local`: what no real service has."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_cloud import logs
from local_cloud.call import Strict
from local_cloud.cloud import Cloud
from local_cloud.exchanges import Exchanges
from local_cloud.gate import Gate
from local_cloud.github import app as github_app
from local_cloud.profiles import Wanted
from local_cloud.snapshots import SnapshotError, Snapshots
from local_cloud.writes import Writes

PROBE_SECONDS = 1.0


def _check_known(permissions: dict[str, str]) -> dict[str, str]:
    if unknown := sorted(permissions.keys() - github_app.PERMISSIONS.keys()):
        raise ValueError(f"unknown: {', '.join(unknown)}; known: {', '.join(github_app.PERMISSIONS)}")
    return permissions


class AppSettings(Strict):
    """`permissions` are all that the App has from then on."""

    permissions: Annotated[dict[str, Literal["read", "write"]], AfterValidator(_check_known)]


def control_routes(cloud: Cloud, writes: Writes, snapshots: Snapshots, exchanges: Exchanges, gate: Gate) -> list[Route]:
    """`health` is open; everything else needs the Cloudflare token, or is asked for by the page."""

    async def health(_: Request) -> Response:
        ready = await _answers(cloud.settings.edge_port)
        return JSONResponse({"api": "ready", "edge": "ready" if ready else "not answering"}, 200 if ready else 503)

    async def unknown_routes(_: Request) -> Response:
        return JSONResponse({"unknown_routes": cloud.store.values("unknown_routes", "")})

    async def show_logs(request: Request) -> Response:
        try:
            query = logs.Query.model_validate(dict(request.query_params))
        except ValidationError as error:
            return JSONResponse({"error": str(error)}, 422)
        return JSONResponse({"entries": logs.read(cloud.store, query)})

    async def show_profile(_: Request) -> Response:
        return JSONResponse(cloud.conditions.shown())

    async def set_profile(request: Request) -> Response:
        try:
            cloud.conditions.set(Wanted.model_validate_json(await request.body()))
        except ValidationError as error:
            return JSONResponse({"error": str(error)}, 422)
        return JSONResponse(cloud.conditions.shown())

    async def last_requests(request: Request) -> Response:
        try:
            newer = exchanges.after(int(request.query_params.get("after", 0)))
        except ValueError:
            return JSONResponse({"error": "after: must be the number of a request"}, 422)
        return JSONResponse({"requests": [asdict(exchange) for exchange in newer]})

    async def list_snapshots(_: Request) -> Response:
        taken = await asyncio.to_thread(snapshots.taken)
        return JSONResponse(
            {"snapshots": [{"name": each.name, "taken_at": each.taken_at.isoformat()} for each in taken]}
        )

    async def delete_snapshot(request: Request) -> Response:
        return await _replaced(writes, lambda: snapshots.delete(request.path_params["name"]))

    async def reset(_: Request) -> Response:
        return await _replaced(writes, snapshots.reset)

    async def take(request: Request) -> Response:
        return await _replaced(writes, lambda: snapshots.take(request.path_params["name"]))

    async def restore(request: Request) -> Response:
        return await _replaced(writes, lambda: snapshots.restore(request.path_params["name"]))

    async def set_app(request: Request) -> Response:
        try:
            wanted = AppSettings.model_validate_json(await request.body())
        except ValidationError as error:
            return JSONResponse({"error": str(error)}, 422)
        await writes.run(lambda: github_app.set_permissions(cloud.store, dict(wanted.permissions)))
        return Response(status_code=204)

    return [
        Route("/_local/health", gate.local(health), methods=["GET"]),
        Route("/_local/requests", gate.guarded(last_requests), methods=["GET"]),
        Route("/_local/unknown-routes", gate.guarded(unknown_routes), methods=["GET"]),
        Route("/_local/logs", gate.guarded(show_logs), methods=["GET"]),
        Route("/_local/profile", gate.guarded(show_profile), methods=["GET"]),
        Route("/_local/profile", gate.guarded(set_profile), methods=["PUT"]),
        Route("/_local/github-app", gate.guarded(set_app), methods=["PUT"]),
        Route("/_local/reset", gate.guarded(reset), methods=["POST"]),
        Route("/_local/snapshots", gate.guarded(list_snapshots), methods=["GET"]),
        Route("/_local/snapshots/{name}", gate.guarded(take), methods=["POST"]),
        Route("/_local/snapshots/{name}", gate.guarded(delete_snapshot), methods=["DELETE"]),
        Route("/_local/snapshots/{name}/restore", gate.guarded(restore), methods=["POST"]),
    ]


async def _replaced(writes: Writes, action: Callable[[], Any]) -> Response:
    try:
        await writes.replace(action)
    except SnapshotError as error:
        return JSONResponse({"error": str(error)}, 404)
    return Response(status_code=204)


async def _answers(port: int) -> bool:
    """Whether an HTTP server answers on 127.0.0.1:`port`."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(b"HEAD / HTTP/1.1\r\nHost: health.invalid\r\nConnection: close\r\n\r\n")
                return (await reader.readline()).startswith(b"HTTP/1.1 ")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
