"""kill -9: of the control plane at each step of making and removing an app, of each process amid calls."""

import sqlalchemy as sa

from app_stacks.cloudflare_api import CloudflareApi, ScriptAddress
from app_stacks.namespace_script import BOOTSTRAP
from app_stacks.patience import Patience
from control_plane.tables import App, Deployment, Event
from infra.names import APP_ENVIRONMENTS
from overskill.drill.cloud import PREFIX, Cloud
from overskill.drill.plane import declare
from overskill.drill.process import Server
from overskill.drill.row import Row, drilled, require
from overskill.drill.server import DIE
from overskill.drill.setting import Setting

MAKING = ("quota", "stack", "probe", "ready")
REMOVAL = ("stack", "forget", "destroyed")
MOMENTS = ("before", "after")
WEBHOOKS = 40
SCRIPTS = 20


def drill(setting: Setting) -> None:
    server = Server(setting.cloud, setting.folder / "kills")
    try:
        _at_each_step(setting, server)
        if not setting.quick:
            _between_webhooks(setting, server)
    finally:
        server.stop()
    if not setting.quick:
        _of_the_cloud(setting.cloud, setting.rows)


def _at_each_step(setting: Setting, server: Server) -> None:
    cloud = setting.cloud
    moments = [
        *((True, step, moment) for step in MAKING for moment in MOMENTS),
        *((False, step, moment) for step in REMOVAL for moment in MOMENTS),
    ]
    for making, step, moment in setting.chance.sample(moments, 1) if setting.quick else moments:
        app_id = cloud.fresh()
        what = "make an app" if making else "remove an app"
        with drilled(what, f"control plane, step {step}", f"kill -9 {moment} it is kept", setting.rows):
            if making:
                (server.folder / DIE).write_text(f"{step} {moment}")
                provision = server.provision(app_id)
            else:
                server.ended(server.provision(app_id))
                (server.folder / DIE).write_text(f"{step} {moment}")
                provision = server.http.delete(f"/api/apps/{app_id}").json()["id"]
            server.wait_for_death()
            server.start()
            end = server.ended(provision)
            require(end == ("ready" if making else "destroyed"), f"the provision is {end}")
            _check_app(cloud, server, app_id, making, end)


def _check_app(cloud: Cloud, server: Server, app_id: str, is_there: bool, end: str) -> None:
    scripts = [cloud.code(environment, script_of(environment, app_id)) is not None for environment in APP_ENVIRONMENTS]
    require(scripts == [is_there] * len(APP_ENVIRONMENTS), f"its scripts in {', '.join(APP_ENVIRONMENTS)}: {scripts}")
    with server.database.reading() as session:
        require((session.get(App, app_id) is not None) == is_there, "the record of the app is wrong")
        told = session.scalars(sa.select(Event).where(Event.app_id == app_id, Event.type == "provision.step"))
        ends = [event for event in told if event.data["status"] == end]
        require(len(ends) == 1, f"its end was told {len(ends)} times")


def _between_webhooks(setting: Setting, server: Server) -> None:
    app_id = setting.cloud.fresh()
    declare(server.database, setting.cloud, app_id)
    with drilled("webhooks of deploys", "control plane", f"kill -9 among {WEBHOOKS}", setting.rows) as course:
        killed = setting.chance.randrange(1, WEBHOOKS)
        for run in range(1, WEBHOOKS + 1):
            if run == killed:
                server.kill()
            while (status := server.notify(app_id, run, identity=f"{app_id}-{run}")) != 202:
                course.tell(f"the sender is not answered ({status}), and sends it again")
                server.start()
        course.told = ""  # sending again is what every sender of webhooks does
        worked_off(server, app_id, WEBHOOKS)


def worked_off(server: Server, app_id: str, number: int) -> None:
    """Wait until so many deployments of the app are recorded. Raises `Wrong`."""
    for _ in range(200):
        with server.database.reading() as session:
            rows = session.scalar(sa.select(sa.func.count()).where(Deployment.app_id == app_id))
        if rows == number:
            return
        server.call("GET", "/health")
    require(False, f"{rows} deployments of {number}")


def _of_the_cloud(cloud: Cloud, rows: list[Row]) -> None:
    """Its API is gone for as long as it takes to start it again: the caller waits that out."""
    app_id = cloud.fresh()
    with drilled("upload scripts", "local cloud", f"kill -9 among {SCRIPTS}", rows):
        names = [f"{app_id}-{number}" for number in range(SCRIPTS)]

        def start_again(_seconds: float) -> None:
            if cloud.process.process() is None:
                cloud.process.start(cloud.programs)

        patience = Patience(first=0.01, longest=0.1, sleep=start_again)
        with CloudflareApi(cloud.token, cloud.cloudflare_url, patience=patience) as api:
            for number, name in enumerate(names):
                if number == SCRIPTS // 2 and (process := cloud.process.process()):
                    process.kill()
                    process.wait(10)
                address = ScriptAddress(account_id=cloud.process.account, namespace=f"{PREFIX}-production", script=name)
                api.upload_new(address, {"main_module": BOOTSTRAP.name}, {BOOTSTRAP.name: BOOTSTRAP.read_text()})
            there = api.script_names(cloud.process.account, f"{PREFIX}-production")
        require(set(names) <= there, f"{len(set(names) - there)} scripts are missing")


def script_of(environment: str, app_id: str) -> str:
    return app_id if environment == "production" else f"{environment}-{app_id}"
