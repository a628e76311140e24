"""Those who watch the stream of events: many connections of one client, each with what it was sent."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Watcher:
    """One connection; `began` is set once the server has answered it, `reset` has what such a message told."""

    events: list[dict[str, Any]] = field(default_factory=list)
    resets: list[dict[str, Any]] = field(default_factory=list)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    status: int = 0

    @property
    def ids(self) -> list[int]:
        return [event["id"] for event in self.events]

    async def watch(
        self, port: int, token: str, path: str = "/api/events", after: int | None = None, *, pause: float = 0
    ) -> None:
        """Read until the server ends it, or this is cancelled. `pause`: seconds between two reads, of a slow client."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**14)
        try:
            place = "" if after is None else f"Last-Event-ID: {after}\r\n"
            head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{place}\r\n"
            writer.write(head.encode())
            self.status = int((await reader.readuntil(b"\r\n\r\n")).split()[1])
            await self._read(reader, pause)
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader, pause: float) -> None:
        text = b""
        while size := int(await reader.readline() or b"0", 16):
            text += await reader.readexactly(size)
            await reader.readexactly(2)
            *messages, text = text.split(b"\n\n")
            for message in messages:
                fields = dict(line.split(": ", 1) for line in message.decode().splitlines() if ": " in line)
                if "data" in fields:
                    (self.resets if fields.get("event") else self.events).append(json.loads(fields["data"]))
            self.began.set()
            await asyncio.sleep(pause)


async def until(reached: Callable[[], bool], seconds: float = 60) -> None:
    """Waits for it. Raises `TimeoutError`."""
    async with asyncio.timeout(seconds):
        while not reached():
            await asyncio.sleep(0.02)
