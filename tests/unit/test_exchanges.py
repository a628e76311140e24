"""What the local cloud notes of each call."""

import asyncio
from typing import Any

import pytest

from local_cloud.exchanges import Exchanges, Recorder

SCOPE = {"type": "http", "method": "PUT", "path": "/a", "raw_path": b"/a?secret"}


def record(app: Any) -> Exchanges:
    async def nothing(*_: object) -> None:
        """No message comes, and none is taken."""

    exchanges = Exchanges()
    asyncio.run(Recorder(app(exchanges), exchanges, {})(SCOPE, nothing, nothing))
    return exchanges


def test_a_call_is_noted_once_before_its_client_has_the_answer() -> None:
    seen = []

    def app(exchanges: Exchanges) -> Any:
        async def answer(_scope: object, _receive: object, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"a", "more_body": True})
            seen.append(len(exchanges.after()))
            await send({"type": "http.response.body", "body": b"b"})
            seen.append(len(exchanges.after()))  # as it goes on to deliver webhooks

        return answer

    (call,) = record(app).after()
    assert seen == [0, 1]
    assert (call.method, call.path, call.status, call.answer) == ("PUT", "/a", 200, "unknown, 2 bytes")


def test_a_service_that_fails_without_an_answer_is_noted() -> None:
    def app(exchanges: Exchanges) -> Any:
        async def fail(*_: object) -> None:
            kept.append(exchanges)
            raise ValueError("a bug")

        return fail

    kept: list[Exchanges] = []
    with pytest.raises(ValueError, match="a bug"):
        record(app)
    assert [call.status for call in kept[0].after()] == [500]
