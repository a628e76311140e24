"""One workerd after another on the same sockets: replaced when its configuration changes, restarted when it dies."""

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from local_cloud.edge.bundles import UnrunnableError
from local_cloud.edge.config import refused_workers
from local_cloud.edge.process import LaunchError, WorkerdProcess

log = logging.getLogger(__name__)

_STABLE_SECONDS = 10.0
_FIRST_DELAY_SECONDS = 0.1
_LAST_DELAY_SECONDS = 5.0
_STOP_SECONDS = 2.0
_PROBE_SECONDS = 0.25
_SILENT_SECONDS = 1.0
_SILENT_CPU_SECONDS = 0.5
_DEAF_SECONDS = 30.0


class Supervised:
    """`render` says with which configuration the process is to run; it may raise `UnrunnableError`.

    The process is asked again and again whether it answers. One that has been busy for a second without doing so is
    caught in a loop, and killed: a Worker that never yields holds up every other one in its process. A busy machine
    makes a process slow, not guilty, so the process's own time counts too, and the clock's alone after half a minute.
    """

    def __init__(
        self, workerd: Path, config_path: Path, listeners: Mapping[str, socket.socket], render: Callable[[], str]
    ) -> None:
        self._workerd = workerd
        self._config_path = config_path
        self._listeners = listeners
        self._render = render
        self._lock = asyncio.Lock()
        self._draining: set[asyncio.Task[None]] = set()
        self._stopped = False

    async def start(self) -> None:
        """Raises `LaunchError` or `UnrunnableError`."""
        self._served = self._render()
        self._process = await self._launch(self._served)
        self._watchers = [asyncio.create_task(self._restart()), asyncio.create_task(self._guard())]

    async def reload(self) -> None:
        """Run with the configuration as it is now. Returns when nothing older accepts; at once if nothing changed.

        Raises `UnrunnableError` over Workers that do not start, `LaunchError` if workerd does not; then what ran before
        still runs.
        """
        async with self._lock:
            wanted = self._render()
            if self._stopped or (wanted == self._served and self._process.alive):
                return
            old, self._process = self._process, await self._launch(wanted)
            self._served = wanted
            drain = await old.retire(lingering=True)
            self._draining.add(drain)
            drain.add_done_callback(self._draining.discard)

    async def tell(self) -> None:
        """POST to the probe. A process that ends instead of answering has nothing left to be told."""
        process = self._process
        while process.alive:
            try:
                return await process.ask("POST")
            except (OSError, EOFError):
                await asyncio.sleep(_FIRST_DELAY_SECONDS)

    async def stop(self) -> None:
        """Serve no more. Requests in flight have `_STOP_SECONDS` to end."""
        for watcher in self._watchers:
            watcher.cancel()
        async with self._lock:
            self._stopped = True
            drains = {*self._draining, await self._process.retire()}
            _, late = await asyncio.wait(drains, timeout=_STOP_SECONDS)
            for drain in late:
                drain.cancel()
            await asyncio.gather(*drains, return_exceptions=True)

    async def _launch(self, text: str) -> WorkerdProcess:
        try:
            return await WorkerdProcess.launch(self._workerd, text, self._config_path, self._listeners)
        except LaunchError as error:
            if problems := refused_workers(error.stderr):
                raise UnrunnableError(problems) from error
            raise

    async def _restart(self) -> None:
        delay = 0.0
        while True:
            process, since = self._process, time.monotonic()
            code = await process.wait()
            if process is not self._process:
                continue
            if process.silent or time.monotonic() - since > _STABLE_SECONDS:
                delay = 0.0
            last_words = "\n".join(process.stderr) or "none"
            log.error("workerd %d is gone (%d), restart in %g s; its stderr: %s", process.pid, code, delay, last_words)
            await asyncio.sleep(delay)
            delay = min(2 * delay, _LAST_DELAY_SECONDS) or _FIRST_DELAY_SECONDS
            try:
                await self.reload()
            except Exception:
                log.exception("workerd could not be restarted")

    async def _guard(self) -> None:
        while True:
            process = self._process
            try:
                if not await _answers(process):
                    log.error("workerd %d does not answer: killed, with the requests in it", process.pid)
                    process.silent = True
                    await process.kill()
            except (OSError, EOFError, psutil.NoSuchProcess):
                log.debug("workerd %d ended while it was asked", process.pid)
            await asyncio.sleep(_PROBE_SECONDS)


async def _answers(process: WorkerdProcess) -> bool:
    asked, used = time.monotonic(), process.cpu_seconds
    answer = asyncio.create_task(process.ask("GET"))
    try:
        while not (await asyncio.wait({answer}, timeout=_PROBE_SECONDS))[0]:
            silent, busy = time.monotonic() - asked, process.cpu_seconds - used
            if (silent > _SILENT_SECONDS and busy > _SILENT_CPU_SECONDS) or silent > _DEAF_SECONDS:
                return False
        await answer
    finally:
        answer.cancel()
    return True
