"""An event loop whose time passes only by being waited for: what takes weeks is over in seconds."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class _Leap(selectors.DefaultSelector):
    """Waits for nothing, and adds what it should have waited to `now`."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everything waits for something that never happens")
        self.now += timeout
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Begins at second 0."""

    def __init__(self) -> None:
        self._leap = _Leap()
        super().__init__(self._leap)

    def time(self) -> float:
        return self._leap.now


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """What `asyncio.run` does, on a clock of its own. Threads and sockets aren't waited for."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
