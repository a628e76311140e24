"""A full disk: of the control plane, of the local cloud, in the middle of what it has to keep."""

import httpx

from app_stacks.cloudflare_api import CloudflareApi, ScriptAddress
from app_stacks.cloudflare_error import CloudflareError
from app_stacks.namespace_script import BOOTSTRAP
from overskill.drill.cloud import PREFIX, Cloud
from overskill.drill.deploys import Failed, pipeline
from overskill.drill.kills import worked_off
from overskill.drill.plane import Issuer, declare, serving
from overskill.drill.process import Server, full
from overskill.drill.row import Course, Row, drilled, require
from overskill.drill.setting import Setting
from overskill.errors import CommandError

FULL = "no file grows"
ANEW = httpx.Limits(max_keepalive_connections=0)


def drill(setting: Setting) -> None:
    if setting.quick:
        return
    issuer, cloud, folder, rows = Issuer(), setting.cloud, setting.folder, setting.rows
    with serving(issuer.app(), lifespan="off") as issuer.url:
        server = Server(cloud, folder / "disks", oidc_issuer=issuer.url)
        try:
            _webhook(cloud, server, rows)
            _provision(cloud, server, rows)
            _deploy(cloud, server, issuer, rows)
        finally:
            server.stop()
    _cloud(cloud, rows)


def _webhook(cloud: Cloud, server: Server, rows: list[Row]) -> None:
    app_id = cloud.fresh()
    declare(server.database, cloud, app_id)
    with drilled("webhooks of deploys", "control plane's disk", FULL, rows) as course:
        with server.full_disk():
            status = server.notify(app_id, 1)
            require(status >= 500, f"a webhook that can't be kept is answered with {status}")
            course.tell(f"it is answered with {status}; its sender sends it again")
        require(server.notify(app_id, 1) == httpx.codes.ACCEPTED, "it does not work again")
        worked_off(server, app_id, 1)


def _provision(cloud: Cloud, server: Server, rows: list[Row]) -> None:
    app_id = cloud.fresh()
    with drilled("make an app", "control plane's disk", FULL, rows) as course:
        with server.full_disk():
            _told(course, server, app_id)
        end = server.ended(server.provision(app_id))
        require(end == "ready", f"the provision is {end}")


def _told(course: Course, server: Server, app_id: str) -> None:
    try:
        server.provision(app_id)
    except CommandError as error:
        course.tell(error)
    require(bool(course.told), "it was accepted, and can't have been kept")


def _deploy(cloud: Cloud, server: Server, issuer: Issuer, rows: list[Row]) -> None:
    app_id = cloud.fresh()
    declare(server.database, cloud, app_id)
    with (
        drilled("deploy", "control plane's disk", FULL, rows) as course,
        httpx.Client(base_url=f"{server.url}/api/deploy", timeout=30, trust_env=False, limits=ANEW) as http,
    ):
        with server.full_disk():
            try:
                pipeline(http, cloud, app_id, issuer.token(app_id))
            except Failed as error:
                course.tell(error)
            require(bool(course.told), "it was deployed, and can't have been kept")
            require(cloud.code("production", app_id) is None, "it is live all the same")
        pipeline(http, cloud, app_id, issuer.token(app_id))
        require(cloud.code("production", app_id) is not None, "it is not live afterwards")


def _cloud(cloud: Cloud, rows: list[Row]) -> None:
    app_id, process = cloud.fresh(), cloud.process.process()
    with drilled("upload a script", "local cloud's disk", FULL, rows) as course:
        require(process is not None, "the local cloud does not run")
        address = ScriptAddress(account_id=cloud.process.account, namespace=f"{PREFIX}-production", script=app_id)
        with CloudflareApi(cloud.token, cloud.cloudflare_url) as api:

            def upload() -> None:
                api.upload_new(address, {"main_module": BOOTSTRAP.name}, {BOOTSTRAP.name: BOOTSTRAP.read_text()})

            with full(process):  # type: ignore[arg-type]
                try:
                    upload()
                except CloudflareError as error:
                    course.tell(error)
                require(bool(course.told), "it was accepted, and can't have been kept")
                require(api.settings(address) is None, "it is there, and can't have been kept")
            upload()
            require(api.settings(address) is not None, "it is not there afterwards")
