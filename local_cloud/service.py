"""An emulated service as an ASGI application: reads a call, finds its handler, runs it, answers."""

import logging
from dataclasses import replace
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from local_cloud.call import Answer, Aside, Call, Dialect, Refusal
from local_cloud.cloud import Cloud
from local_cloud.profiles import injection
from local_cloud.routing import Handler, RouteTable
from local_cloud.writes import Writes

MAX_BODY_BYTES = 100 * 1024 * 1024

TOO_LARGE = Answer(
    status=413,
    body=(
        b"<html>\n<head><title>413 Request Entity Too Large</title></head>\n<body>\n"
        b"<center><h1>413 Request Entity Too Large</h1></center>\n<hr><center>nginx</center>\n</body>\n</html>\n"
    ),
    headers={"Content-Type": "text/html"},
)
"""In both services, the server in front says so, in no dialect."""

log = logging.getLogger("local_cloud")


class Service:
    """Answers the calls in `table` in the way of `dialect`. `root` is the path that it is mounted at."""

    def __init__(self, root: str, dialect: Dialect, table: RouteTable, cloud: Cloud, writes: Writes) -> None:
        self.root = root
        self.table = table
        self._dialect = dialect
        self._cloud = cloud
        self._writes = writes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        # The path as it was sent: a name may hold an encoded slash.
        path = scope["raw_path"].decode().partition("?")[0].removeprefix(self.root)
        answer = await self._answer(request, path)
        if answer is None:
            await injection.reset(receive)
            return
        await _response(answer)(scope, receive, send)

    def real_token(self) -> Response:
        """The answer to a token that looks like a real one."""
        return _response(self._dialect.real_token().answer)

    async def _answer(self, request: Request, path: str) -> Answer | None:
        """None: the connection is to be reset."""
        body = await body_of(request)
        route, parameters = self.table.find(request.method, path) or (None, {})
        call = Call(
            cloud=self._cloud,
            dialect=self._dialect,
            method=request.method,
            path=path,
            route=route,
            parameters=parameters,
            query=dict(request.query_params),
            headers=request.headers,
            body=body or b"",
        )
        answer = await injection.carry_out(call, partial(self._outcome, call, too_large=body is None))
        return answer and replace(answer, headers={**answer.headers, **call.answer_headers})

    async def _outcome(self, call: Call, *, too_large: bool) -> Answer:
        try:
            if too_large:
                return TOO_LARGE
            with self._dialect.under_way(call):
                if call.route:
                    return call.dialect.answer(call, await self._result(call, call.route.handler))
                await self._writes.run(partial(self._note_unknown, call))
            log.warning("%s %s%s: the local cloud has no such call", call.method, self.root, call.path)
            raise self._dialect.unknown_route(call.method, call.path)
        except Refusal as refusal:
            return refusal.answer
        except Exception as error:
            answer = self._dialect.failure(error).answer
            if answer.status >= 500:
                log.exception("%s %s%s failed", call.method, self.root, call.path)
            return answer

    async def _result(self, call: Call, handler: Handler) -> Any:
        result = await self._writes.run(partial(_handle, handler, call), call.after_commit)
        if isinstance(result, Aside):
            return await self._writes.beside(result.resource, result.work)
        return result

    def _note_unknown(self, call: Call) -> None:
        self._dialect.admit(call)
        path = self.root + call.path
        key = f"{path} {call.method}"
        seen = call.store.get("unknown_routes", "", key)
        noted = {"method": call.method, "path": path, "count": (seen["count"] if seen else 0) + 1}
        call.store.put("unknown_routes", "", key, noted)


def _handle(handler: Handler, call: Call) -> Any:
    call.dialect.admit(call)
    return handler(call)


async def body_of(request: Request) -> bytes | None:
    """The whole body, or None if there is too much of it."""
    body = bytearray()
    async for chunk in request.stream():
        if len(body) + len(chunk) > MAX_BODY_BYTES:
            return None
        body += chunk
    return bytes(body)


def _response(answer: Answer) -> Response:
    body: Any = answer.body
    if body is None or isinstance(body, bytes):
        return Response(body, answer.status, dict(answer.headers))
    return JSONResponse(body, answer.status, dict(answer.headers))
