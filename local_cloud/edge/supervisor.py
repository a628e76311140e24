"""The edge of the local cloud: two workerd processes, one for the account's Workers and one for the apps."""

import asyncio
import secrets
import socket
from contextlib import AsyncExitStack
from pathlib import Path

from local_cloud.edge import config
from local_cloud.edge.asset_workers import asset_workers
from local_cloud.edge.model import View
from local_cloud.edge.orphans import end_orphans
from local_cloud.edge.process import release_date
from local_cloud.edge.supervision import Supervised
from local_cloud.ports import listen

_DEFER_SECONDS = 5


class Edge:
    """Serves the Workers of `view` on `address`:`port`.

    `api_port`: where `source_routes(view, edge.token)` is mounted. `workerd`: the binary. `state_dir`: a directory of
    the edge's own. The listening sockets are this process's, so that no connection is refused while workerd restarts.
    """

    internet: tuple[str, ...] = ("public",)
    residents: int = 500
    """As in `config.Settings`; to be changed before the start."""

    address = "127.0.0.1"
    """To be changed before the start, too."""

    def __init__(self, view: View, *, port: int, api_port: int, workerd: Path, state_dir: Path) -> None:
        self.token = secrets.token_urlsafe(32)
        self._view = view
        self._port = port
        self._api_port = api_port
        self._workerd = workerd
        self._state_dir = state_dir.resolve()
        self._running = AsyncExitStack()

    async def start(self) -> None:
        """Serve, after ending what an earlier run left behind.

        Raises `PortInUseError`, or as `reload` does.
        """
        self._state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        await asyncio.to_thread(end_orphans, self._state_dir)
        newest_date = await release_date(self._workerd)
        async with AsyncExitStack() as starting:
            public = starting.enter_context(listen(self._port, "--edge-port", self.address))
            between = [starting.enter_context(listen(0, "")) for _ in range(2)]
            _defer(public)
            for_apps, for_account = between
            self.settings = settings = config.Settings(
                api_port=self._api_port,
                apps_port=for_apps.getsockname()[1],
                account_port=for_account.getsockname()[1],
                token=self.token,
                newest_date=newest_date,
                asset_workers=asset_workers(self._workerd),
                residents=self.residents,
                internet=self.internet,
            )
            self._apps = Supervised(
                self._workerd, self._state_dir / "apps.capnp", {"apps": for_apps}, lambda: config.render_apps(settings)
            )
            self._account = Supervised(
                self._workerd,
                self._state_dir / "account.capnp",
                {"http": public, "account": for_account},
                lambda: config.render_account(self._view.account(), settings),
            )
            for process in (self._apps, self._account):
                await process.start()
                starting.push_async_callback(process.stop)
            self._running = starting.pop_all()

    async def reload(self) -> None:
        """Serve the account as it is now. Returns when nothing older accepts a request; at once if nothing changed.

        Requests in flight end where they are; an idle kept-alive connection is closed, and its client opens another.
        Raises `UnrunnableError` over Workers that do not start, `LaunchError` if workerd does not; then what was served
        before is still served.
        """
        await asyncio.shield(self._account.reload())

    async def refresh(self) -> None:
        """Serve the scripts of namespaces as they are now. Returns when nothing older gets a request."""
        await self._apps.tell()

    async def stop(self) -> None:
        """Serve no more."""
        await self._running.aclose()


def _defer(listener: socket.socket) -> None:
    """Accept a connection with its first bytes, not before them.

    workerd, told to drain, closes connections that it has accepted and not read from: their requests would be lost.
    """
    if hasattr(socket, "TCP_DEFER_ACCEPT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, _DEFER_SECONDS)
