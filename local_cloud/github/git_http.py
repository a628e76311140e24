"""Git over HTTP, for clone, fetch and push: git's own `http-backend` at each repository's `clone_url`.

Unlike calls of the API, these run beside each other and beside calls. What a client sends goes to a file first, so that
one which stalls holds nothing; what git answers is passed on as it comes.
"""

import asyncio
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from local_cloud.cloud import Cloud
from local_cloud.git import ENVIRONMENT
from local_cloud.github import pushes, rules
from local_cloud.github.git_admission import FETCH, PUSH, Admission, RefusedError, admit
from local_cloud.github.places import folder
from local_cloud.github.repository import find
from local_cloud.writes import Writes

MAX_BODY_BYTES = 2 * 1024**3
CHUNK_BYTES = 64 * 1024

CONFIGURATION = {
    # Whatever git tidies up after a push is done before the answer, so that no snapshot catches it.
    "gc.autoDetach": "false",
    # The commits of pull requests are fetched, not pushed.
    "receive.hideRefs": "refs/pull",
    "uploadpack.allowAnySHA1InWant": "true",
    "uploadpack.allowFilter": "true",
    "core.hooksPath": str(Path(__file__).parents[1] / "git_hooks"),
}

REFUSING_WORKFLOWS = {"LOCAL_CLOUD_WORKFLOWS": "refused"}
"""The environment of a push by one who may not change workflow files."""

Endpoint = Callable[[Request], Awaitable[Response]]


def git_routes(cloud: Cloud, writes: Writes) -> list[Route]:
    """What git asks of a smart server."""

    def admit_push(request: Request) -> Admission:
        admission = admit(cloud, request, PUSH)
        return replace(admission, repository=pushes.record(cloud, admission.repository))

    def begin_push(request: Request) -> tuple[Admission, rules.Guard]:
        admission = admit_push(request)
        guard = rules.push_guard(cloud, admission.repository, admission.login)
        if not admission.may_change_workflows:
            guard = replace(guard, environment={**guard.environment, **REFUSING_WORKFLOWS})
        return admission, guard

    def record_push(admission: Admission) -> None:
        """Unless the repository is another one by now: it may have been deleted, and even made again."""
        repository = admission.repository
        now = find(cloud, repository["owner"], repository["name"])
        if now and now["id"] == repository["id"]:
            pushes.record(cloud, now, admission.login)

    async def advertise(request: Request) -> Response:
        service = request.query_params.get("service")
        if service not in {FETCH, PUSH}:
            raise RefusedError(403, "Upgrade your git client: this server does not speak git over dumb HTTP.")
        admitting = partial(admit_push, request) if service == PUSH else partial(admit, cloud, request, service)
        admission = await writes.run(admitting)
        return await _streamed(await _backend(folder(cloud, admission.repository), request, "info/refs", DEVNULL))

    async def fetch(request: Request) -> Response:
        admission = await writes.run(partial(admit, cloud, request, FETCH))
        with tempfile.TemporaryFile(dir=cloud.state.path) as body:
            await _receive(request, body)
            return await _streamed(await _backend(folder(cloud, admission.repository), request, FETCH, body))

    async def push(request: Request) -> Response:
        await writes.run(partial(admit, cloud, request, PUSH))
        with tempfile.TemporaryFile(dir=cloud.state.path) as body:
            await _receive(request, body)
            async with writes.aside():
                admission, guard = await writes.run(partial(begin_push, request))
                process = await _backend(folder(cloud, admission.repository), request, PUSH, body, guard)
                printed, _ = await process.communicate()
                await writes.run(partial(record_push, admission))
        head, _, rest = printed.partition(b"\r\n\r\n")
        status, headers = _head(head)
        return Response(rest, status, headers)

    root = "/{owner}/{repository}"
    return [
        Route(f"{root}/info/refs", _answering(advertise), methods=["GET"]),
        Route(f"{root}/{FETCH}", _answering(fetch), methods=["POST"]),
        Route(f"{root}/{PUSH}", _answering(push), methods=["POST"]),
    ]


def _answering(endpoint: Endpoint) -> Endpoint:
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except RefusedError as error:
            return error.answer
        except ClientDisconnect:
            return Response(status_code=400)  # which nobody reads

    return answer


async def _receive(request: Request, file: IO[bytes]) -> None:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise RefusedError(413, f"A push may have {MAX_BODY_BYTES} bytes.")
        file.write(chunk)
    file.seek(0)


async def _backend(
    repository: Path,
    request: Request,
    service: str,
    body: IO[bytes] | int,
    guard: rules.Guard = rules.UNGUARDED,
) -> asyncio.subprocess.Process:
    """`git http-backend`, under way; it prints headers, an empty line, and what to answer."""
    configuration = {**CONFIGURATION, **guard.configuration}
    environment = {
        **ENVIRONMENT,
        **guard.environment,
        "GIT_PROJECT_ROOT": str(repository),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        "PATH_INFO": f"/{service}",
        "QUERY_STRING": request.url.query,
        "REQUEST_METHOD": request.method,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
        "REMOTE_USER": "git",
        "REMOTE_ADDR": "127.0.0.1",
        "GIT_CONFIG_COUNT": str(len(configuration)),
    }
    for number, (key, value) in enumerate(configuration.items()):
        environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return await asyncio.create_subprocess_exec("git", "http-backend", stdin=body, stdout=PIPE, env=environment)


async def _streamed(process: asyncio.subprocess.Process) -> Response:
    assert process.stdout  # noqa: S101 - it is a pipe
    status, headers = _head(await process.stdout.readuntil(b"\r\n\r\n"))
    return StreamingResponse(_chunks(process, process.stdout), status, headers)


async def _chunks(process: asyncio.subprocess.Process, stdout: asyncio.StreamReader) -> AsyncIterator[bytes]:
    try:
        while chunk := await stdout.read(CHUNK_BYTES):
            yield chunk
    except (asyncio.CancelledError, GeneratorExit):  # the client is gone
        process.kill()
        raise
    finally:
        await process.wait()


def _head(printed: bytes) -> tuple[int, dict[str, str]]:
    lines = printed.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines if line)
    return int(headers.pop("Status", "200").partition(" ")[0]), headers
