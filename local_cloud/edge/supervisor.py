"""The edge of the local cloud: one workerd, started, replaced when the account changes, and restarted when it dies."""

import asyncio
import logging
import secrets
import socket
import time
from pathlib import Path

from local_cloud.edge import config
from local_cloud.edge.bundles import UnrunnableError
from local_cloud.edge.model import View
from local_cloud.edge.orphans import end_orphans
from local_cloud.edge.process import LaunchError, WorkerdProcess, release_date
from local_cloud.ports import listen

log = logging.getLogger(__name__)

_STABLE_SECONDS = 10.0
_FIRST_DELAY_SECONDS = 0.1
_LAST_DELAY_SECONDS = 5.0
_STOP_SECONDS = 2.0
_DEFER_SECONDS = 5


class Edge:
    """Serves the Workers of `view` on 127.0.0.1:`port`.

    `api_port`: where `source_routes(view, edge.token)` is mounted. `workerd`: the binary. `state_dir`: a directory of
    the edge's own. The listening socket is this process's, so that no connection is refused while workerd restarts.
    """

    internet: tuple[str, ...] = ("public",)
    """As in `config.Settings`; to be changed before the start."""

    def __init__(self, view: View, *, port: int, api_port: int, workerd: Path, state_dir: Path) -> None:
        self.token = secrets.token_urlsafe(32)
        self._view = view
        self._port = port
        self._api_port = api_port
        self._workerd = workerd
        self._config_path = state_dir.resolve() / "workerd.capnp"
        self._lock = asyncio.Lock()
        self._draining: set[asyncio.Task[None]] = set()
        self._stopped = False

    async def start(self) -> None:
        """Serve, after ending what an earlier run left behind.

        Raises `PortInUseError`, or as `reload` does.
        """
        self._config_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        await asyncio.to_thread(end_orphans, self._config_path)
        newest_date = await release_date(self._workerd)
        self._settings = config.Settings(
            api_port=self._api_port, token=self.token, newest_date=newest_date, internet=self.internet
        )
        self._listener = listen(self._port, "--edge-port")
        if hasattr(socket, "TCP_DEFER_ACCEPT"):
            # Accept a connection with its first bytes, not before them: workerd, told to drain, closes connections that
            # it has accepted and not read from, and their requests would be lost.
            self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, _DEFER_SECONDS)
        try:
            self._served = config.render(self._view.account(), self._settings)
            self._process = await self._launch(self._served)
        except BaseException:
            self._listener.close()
            raise
        self._watcher = asyncio.create_task(self._watch())

    async def reload(self) -> None:
        """Serve the account as it is now. Returns when nothing older accepts a request; at once if nothing changed.

        Requests in flight end where they are; an idle kept-alive connection is closed, and its client opens another.
        Raises `UnrunnableError` over Workers that do not start, `LaunchError` if workerd does not; then what was served
        before is still served.
        """
        await asyncio.shield(self._reload())

    async def stop(self) -> None:
        """Serve no more. Requests in flight have `_STOP_SECONDS` to end."""
        self._watcher.cancel()
        async with self._lock:
            self._stopped = True
            drains = {*self._draining, await self._process.retire()}
            _, late = await asyncio.wait(drains, timeout=_STOP_SECONDS)
            for drain in late:
                drain.cancel()
            await asyncio.gather(*drains, return_exceptions=True)
            self._listener.close()

    async def _reload(self) -> None:
        async with self._lock:
            wanted = config.render(self._view.account(), self._settings)
            if self._stopped or (wanted == self._served and self._process.alive):
                return
            old, self._process = self._process, await self._launch(wanted)
            self._served = wanted
            drain = await old.retire()
            self._draining.add(drain)
            drain.add_done_callback(self._draining.discard)

    async def _launch(self, text: str) -> WorkerdProcess:
        try:
            return await WorkerdProcess.launch(self._workerd, text, self._config_path, self._listener)
        except LaunchError as error:
            if problems := config.refused_workers(error.stderr):
                raise UnrunnableError(problems) from error
            raise

    async def _watch(self) -> None:
        delay = 0.0
        while True:
            process, since = self._process, time.monotonic()
            code = await process.wait()
            if process is not self._process:
                continue
            if time.monotonic() - since > _STABLE_SECONDS:
                delay = 0.0
            last_words = "\n".join(process.stderr) or "none"
            log.error("workerd %d is gone (%d), restart in %g s; its stderr: %s", process.pid, code, delay, last_words)
            await asyncio.sleep(delay)
            delay = min(2 * delay, _LAST_DELAY_SECONDS) or _FIRST_DELAY_SECONDS
            try:
                await self.reload()
            except Exception:
                log.exception("workerd could not be restarted")
