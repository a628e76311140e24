"""Git over HTTP, for clone, fetch and push: git's own `http-backend` at each repository's `clone_url`.

Unlike calls of the API, these run beside each other and beside calls. What a client sends goes to a file first, so that
one which stalls holds nothing; what git answers is passed on as it comes.
"""

import asyncio
import logging
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import IO

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from local_cloud.cloud import Cloud
from local_cloud.git import ENVIRONMENT
from local_cloud.github import pushes
from local_cloud.github.dialect import is_authorized
from local_cloud.github.repository import find
from local_cloud.store import Document
from local_cloud.writes import Writes

FETCH, PUSH = "git-upload-pack", "git-receive-pack"

MAX_BODY_BYTES = 2 * 1024**3
CHUNK_BYTES = 64 * 1024

CONFIGURATION = {
    # Whatever git tidies up after a push is done before the answer, so that no snapshot catches it.
    "gc.autoDetach": "false",
    "uploadpack.allowAnySHA1InWant": "true",
    "uploadpack.allowFilter": "true",
}

request_log = logging.getLogger("local_cloud.requests")

Endpoint = Callable[[Request], Awaitable[Response]]


class _RefusedError(Exception):
    """What git shows to its user, after `remote: `."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        headers = {"WWW-Authenticate": 'Basic realm="GitHub"'} if status == 401 else {}
        self.answer = PlainTextResponse(message, status, headers)


def git_routes(cloud: Cloud, writes: Writes) -> list[Route]:
    """What git asks of a smart server. 401: no token, or a wrong one; 403: archived; 404: no such repository."""

    def admit(request: Request, service: str) -> Document:
        """The repository, if whoever asks may do that with it."""
        authorization = request.headers.get("authorization", "")
        if authorization and not is_authorized(authorization, cloud.credentials):
            message = "Invalid username or token. Password authentication is not supported for Git operations."
            raise _RefusedError(401, message)
        name = request.path_params["repository"].removesuffix(".git")
        repository = find(cloud, request.path_params["owner"], name)
        if not authorization and (not repository or repository["private"]):
            # GitHub tells a stranger no difference.
            raise _RefusedError(401, "Repository not found.")
        if not repository:
            raise _RefusedError(404, "Repository not found.")
        if service == PUSH and not authorization:
            raise _RefusedError(401, "No anonymous write access.")
        if service == PUSH and repository["archived"]:
            raise _RefusedError(403, "This repository was archived so it is read-only.")
        return repository

    def admit_push(request: Request) -> Document:
        repository = admit(request, PUSH)
        pushes.begin(cloud, repository)
        return repository

    def record_push(repository: Document) -> None:
        """Unless the repository is another one by now: it may have been deleted, and even made again."""
        now = find(cloud, repository["owner"], repository["name"])
        if now and now["id"] == repository["id"]:
            pushes.record(cloud, now)

    async def advertise(request: Request) -> Response:
        service = request.query_params.get("service")
        if service not in {FETCH, PUSH}:
            raise _RefusedError(403, "Upgrade your git client: this server does not speak git over dumb HTTP.")
        admission = partial(admit_push, request) if service == PUSH else partial(admit, request, service)
        repository = await writes.run(admission)
        return await _streamed(await _backend(cloud, request, repository, "info/refs", DEVNULL))

    async def fetch(request: Request) -> Response:
        repository = await writes.run(partial(admit, request, FETCH))
        with tempfile.TemporaryFile(dir=cloud.state.path) as body:
            await _receive(request, body)
            return await _streamed(await _backend(cloud, request, repository, FETCH, body))

    async def push(request: Request) -> Response:
        await writes.run(partial(admit, request, PUSH))
        with tempfile.TemporaryFile(dir=cloud.state.path) as body:
            await _receive(request, body)
            async with writes.aside():
                repository = await writes.run(partial(admit_push, request))
                process = await _backend(cloud, request, repository, PUSH, body)
                printed, _ = await process.communicate()
                await writes.run(partial(record_push, repository))
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
        started = time.perf_counter()
        try:
            response = await endpoint(request)
        except _RefusedError as error:
            response = error.answer
        except ClientDisconnect:
            response = Response(status_code=400)  # which nobody reads
        elapsed = (time.perf_counter() - started) * 1000
        path = request.scope["raw_path"].decode().partition("?")[0]
        request_log.info("%s %s %d %.1f ms", request.method, path, response.status_code, elapsed)
        return response

    return answer


async def _receive(request: Request, file: IO[bytes]) -> None:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise _RefusedError(413, f"A push may have {MAX_BODY_BYTES} bytes.")
        file.write(chunk)
    file.seek(0)


async def _backend(
    cloud: Cloud, request: Request, repository: Document, service: str, body: IO[bytes] | int
) -> asyncio.subprocess.Process:
    """`git http-backend`, under way; it prints headers, an empty line, and what to answer."""
    environment = {
        **ENVIRONMENT,
        "GIT_PROJECT_ROOT": str(cloud.repositories.path(repository["owner"], repository["name"])),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        "PATH_INFO": f"/{service}",
        "QUERY_STRING": request.url.query,
        "REQUEST_METHOD": request.method,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
        "REMOTE_USER": "git",
        "REMOTE_ADDR": "127.0.0.1",
        "GIT_CONFIG_COUNT": str(len(CONFIGURATION)),
    }
    for number, (key, value) in enumerate(CONFIGURATION.items()):
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
