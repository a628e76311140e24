"""The last calls with their answers, for whoever wants to see what a client did. Kept in memory, never on disk.

Of a request, only method and path are kept. Of an answer that is an error, its body; of any other, which may hold a
secret that is shown this once, the outline: which keys there are, and of what kind their values.
"""

import json
import logging
import re
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local_cloud.real_tokens import withheld

MAX_EXCHANGES = 500
MAX_BODY_BYTES = 16 * 1024
MAX_PATH = 1000

request_log = logging.getLogger("local_cloud.requests")


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A call and its answer. `number` grows, also from one process to the next; `at` is in UTC.

    `service` is empty for a path that is none's. `status` is None if the client was gone before there was an answer.
    `problem` is the error in one line, empty without one; `answer` is its body, or the outline of any other.
    """

    number: int
    at: str
    service: str
    method: str
    path: str
    status: int | None
    milliseconds: float
    problem: str
    answer: Any


class Exchanges:
    """The last `MAX_EXCHANGES`; each is a line in the request log as well."""

    def __init__(self) -> None:
        self._last: deque[Exchange] = deque(maxlen=MAX_EXCHANGES)
        self._numbers = count(time.time_ns() // 1_000_000)

    def add(self, service: str, scope: Scope, answer: "_Answer", milliseconds: float) -> None:
        path = withheld(scope["raw_path"].decode("latin-1").partition("?")[0])[:MAX_PATH]
        shown = "-" if answer.status is None else answer.status
        request_log.info("%s %s %s %.1f ms", scope["method"], path, shown, milliseconds)
        problem, kept = answer.kept()
        self._last.appendleft(
            Exchange(
                number=next(self._numbers),
                at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                service=service,
                method=scope["method"],
                path=path,
                status=answer.status,
                milliseconds=round(milliseconds, 1),
                problem=problem,
                answer=kept,
            )
        )

    def after(self, number: int = 0) -> list[Exchange]:
        """Those with a larger number, the newest first."""
        return [exchange for exchange in self._last if exchange.number > number]


class Recorder:
    """Middleware around the services: notes every call. `services` are their paths by their names."""

    def __init__(self, app: ASGIApp, exchanges: Exchanges, services: Mapping[str, re.Pattern[str]]) -> None:
        self._app = app
        self._exchanges = exchanges
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, answer = time.perf_counter(), _Answer()

        def add() -> None:
            elapsed = (time.perf_counter() - started) * 1000
            self._exchanges.add(self._service(scope["path"]), scope, answer, elapsed)

        async def noted(message: Message) -> None:
            answer.note(message)
            if answer.whole:
                add()  # before the client has it: it may look here at once, and the service may go on for long
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except ClientDisconnect:
            raise
        except Exception:
            answer.status = answer.status or 500
            raise
        finally:
            if not answer.whole:
                add()

    def _service(self, path: str) -> str:
        return next((name for name, paths in self._services.items() if paths.fullmatch(path)), "")


class _Answer:
    """What is known of an answer that is being sent."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.whole = False
        self._content_type = ""
        self._size = 0
        self._body = bytearray()

    def note(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._content_type = Headers(raw=message["headers"]).get("content-type", "").partition(";")[0]
            return
        body = message.get("body", b"")
        self._size += len(body)
        if self._size <= MAX_BODY_BYTES and (self._failed or self._json):
            self._body += body
        self.whole = not message.get("more_body", False)

    @property
    def _failed(self) -> bool:
        return (self.status or 0) >= 400

    @property
    def _json(self) -> bool:
        return self._content_type == "application/json"

    def kept(self) -> tuple[str, Any]:
        """The problem in one line, and what is kept of the answer."""
        if len(self._body) < self._size:
            return "", f"{self._content_type or 'unknown'}, {self._size:,} bytes"
        body = withheld(self._body.decode(errors="replace"))
        if self._json:
            try:
                body = json.loads(body)
            except (ValueError, RecursionError):
                return "", f"application/json, which is none, {self._size:,} bytes"
        return (_problem(body), body) if self._failed else ("", outline(body))


def outline(value: Any) -> Any:
    """The keys of a JSON value, and the kinds of what is in it; of a list, its first item stands for all."""
    match value:
        case dict():
            return {key: outline(inner) for key, inner in value.items()}
        case []:
            return []
        case list():
            return [outline(value[0]), *([f"... {len(value)} in all"] if len(value) > 1 else [])]
        case None | bool():
            return value
        case int() | float():
            return "number"
        case _:
            return "text" if value else ""


def _problem(body: Any) -> str:
    """What an error says, in both services' forms."""
    if not isinstance(body, dict):
        return str(body)[:200]
    errors = [error for error in body.get("errors") or () if isinstance(error, dict)]
    told = [f"{error['code']} {error['message']}" for error in errors if {"code", "message"} <= error.keys()]
    return "; ".join([str(body["message"]), *told] if "message" in body else told)
