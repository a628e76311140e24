"""The control plane's server in this process, until it is stopped. Loaded by `overskill serve` alone: it is a lot."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

import sqlalchemy as sa
import uvicorn

from control_plane import logs
from control_plane.application import application
from control_plane.database import Database
from control_plane.migration import migrate
from control_plane.settings import Settings
from control_plane.state import Builder, Plane
from overskill.control_plane_process import PID_FILE
from overskill.errors import CommandError

GRACE_SECONDS = 3
"""How long a stop waits for requests; streams of events end with it."""


def run(settings: Settings, builder: Builder | None) -> None:
    """Return at Ctrl-C and SIGTERM, once what runs has been left in order. Raises `CommandError` if it can't serve."""
    logs.configure(settings)
    settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(Database(settings.database)) as database, _bound(settings) as opened:
        _check(database)
        host, port = opened.getsockname()[:2]
        print(f"control plane of {settings.platform_stack}: http://{host}:{port}/", flush=True)
        config = uvicorn.Config(
            application(Plane(settings, database, builder)),
            lifespan="on",
            access_log=False,
            log_config=None,
            proxy_headers=False,  # the application knows its proxies itself
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # uvicorn raises again what it was stopped by
        try:
            uvicorn.Server(config).run(sockets=[opened])
        except KeyboardInterrupt:
            return
        raise CommandError("the control plane did not start: its log is above")


def _check(database: Database) -> None:
    """Bring it to the schema of today. Raises `CommandError` for one that can't be."""
    name = database.engine.url.render_as_string()
    try:
        migrate(database)
    except sa.exc.OperationalError as error:
        raise CommandError(f"the database {name} does not answer: {error.orig}") from None
    except sa.exc.DatabaseError as error:
        raise CommandError(
            f"the database {name} is damaged ({error.orig}): put its backup back, with no -wal and no -shm file beside "
            "it. Without a backup move it away: deployments and audit are lost, and each app is known again with its "
            "next up"
        ) from None


@contextmanager
def _bound(settings: Settings) -> Iterator[socket.socket]:
    """The socket to listen on, and around it the file that tells whose it is. Raises `CommandError` if it is taken."""
    try:
        opened = socket.create_server((settings.listen, settings.port), backlog=2048)
    except OSError as error:
        raise CommandError(
            f"port {settings.port} of {settings.listen} can't be had ({error.strerror}): choose another by --port; "
            "the local stacks' are those of overskill:apiBase and overskill:webhookBase, a different one for each stack"
        ) from None
    pid_file = settings.state / PID_FILE
    with opened:
        pid_file.write_text(str(os.getpid()))
        try:
            yield opened
        finally:
            pid_file.unlink(missing_ok=True)
