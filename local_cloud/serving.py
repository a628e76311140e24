"""The local cloud as a process: one event loop for the API, one workerd for the edge, until a signal ends both."""

import asyncio
import logging
import signal
import sys
from contextlib import AbstractContextManager, nullcontext
from logging.handlers import RotatingFileHandler

import uvicorn

from local_cloud.app import create_app
from local_cloud.cloud import Cloud
from local_cloud.edge import Edge, source_routes
from local_cloud.edge_data import data_routes
from local_cloud.edge_events import event_routes
from local_cloud.edge_view import EdgeView
from local_cloud.opening import open_cloud
from local_cloud.ports import listen
from local_cloud.settings import Settings
from local_cloud.state import StateDirectory
from local_cloud.store import Reader
from local_cloud.writes import Writes

KEEP_ALIVE_SECONDS = 60
"""workerd closes an idle connection after 5 s: were this server first, a call of the edge could meet a closed one."""

REQUEST_LOG_BYTES = 10 * 1024 * 1024

EXPOSED = (
    "listening on %s, ports %d and %d: every machine that reaches this one can open the apps, read public repositories "
    "and try tokens, and nothing that is sent is encrypted. Whoever has a token can run code here."
)

log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """Signals are handled here, since the edge has to end as well."""

    def capture_signals(self) -> AbstractContextManager[None]:
        return nullcontext()


async def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; one line is printed when both API and edge are ready.

    Raises `StateError`, `StoreError`, `PortInUseError`, `LaunchError` or `UnrunnableError` if it can't start.
    """
    state = StateDirectory(settings.state)
    state.acquire()
    try:
        if not settings.is_loopback:
            log.warning(EXPOSED, settings.listen, settings.api_port, settings.edge_port)
        _log_requests(state)
        with listen(settings.api_port, "--api-port", settings.listen) as listener:
            cloud = open_cloud(settings, state)
            reader = Reader(state.database)
            view = EdgeView(reader, cloud.vault)
            edge = Edge(
                view,
                port=settings.edge_port,
                api_port=settings.api_port,
                workerd=settings.workerd,
                state_dir=state.edge,
            )
            edge.residents = settings.resident_apps
            edge.address = settings.listen
            writes = Writes(cloud.store, view, edge)
            edge_routes = [
                *source_routes(view, edge.token),
                *data_routes(reader, cloud.store, cloud.databases, writes, edge.token),
                *event_routes(cloud.store, writes, edge.token),
            ]
            app = create_app(cloud, writes, edge_routes)
            server = _Server(
                uvicorn.Config(
                    app,
                    log_config=None,
                    access_log=False,
                    ws="none",
                    lifespan="off",
                    timeout_keep_alive=KEEP_ALIVE_SECONDS,
                )
            )
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, setattr, server, "should_exit", True)
            await edge.start()
            try:
                print(ready_line(cloud), flush=True)
                await writes.catch_up()
                await server.serve(sockets=[listener])
            finally:
                await app.state.runner.stop()
                await edge.stop()
    finally:
        state.release()


def ready_line(cloud: Cloud) -> str:
    """The line that tells where everything is. The page's key is shown to a terminal only: a log is read by others."""
    settings = cloud.settings
    key = f"?key={cloud.credentials.page_key}" if sys.stdout.isatty() else ""
    return (
        f"local cloud ready: API {settings.api_url}, edge http://127.0.0.1:{settings.edge_port}, "
        f"state {cloud.state.path}, page {settings.api_url}/{key}"
    )


def _log_requests(state: StateDirectory) -> None:
    """Every call is a line in `requests.log`: method, path, status, duration. Never a header, a query or a body."""
    handler = RotatingFileHandler(state.request_log, maxBytes=REQUEST_LOG_BYTES, backupCount=1)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    requests = logging.getLogger("local_cloud.requests")
    requests.addHandler(handler)
    requests.setLevel(logging.INFO)
    requests.propagate = False
