"""A clock that jumps by an hour, for what waits by it. What was noted before a jump ahead is an hour older after it."""

import datetime as dt
from contextlib import ExitStack

import httpx
from sqlalchemy.orm import Session

from control_plane.tables import Delivery, Provision
from infra.names import APP_ENVIRONMENTS
from overskill.drill.deploys import Failed, pipeline
from overskill.drill.kills import script_of, worked_off
from overskill.drill.networks import until
from overskill.drill.plane import Issuer, declare, serving
from overskill.drill.process import Server
from overskill.drill.row import drilled, require
from overskill.drill.setting import Setting

HOUR = dt.timedelta(hours=1)


def drill(setting: Setting) -> None:
    if setting.quick:
        return
    issuer = Issuer()
    with ExitStack() as stack:
        issuer.url = stack.enter_context(serving(issuer.app(), lifespan="off"))
        server = Server(setting.cloud, setting.folder / "clocks", oidc_issuer=issuer.url)
        stack.callback(server.stop)
        _webhook(setting, server)
        _first_deploy(setting, server)
        for hours in (-1, 1):
            _identity(setting, server, issuer, hours)


def _webhook(setting: Setting, server: Server) -> None:
    """It waits for its app, with a time that is an hour ahead of the clock now."""
    app_id = setting.cloud.fresh()
    with drilled("webhooks of deploys", "control plane's clock", "an hour back", setting.rows):
        require(server.notify(app_id, 1) == httpx.codes.ACCEPTED, "the webhook was not accepted")
        until(lambda: _attempts(server, app_id) > 0, "the webhook was not tried")
        server.kill()
        declare(server.database, setting.cloud, app_id)
        with server.database.writing() as session:
            for delivery in session.query(Delivery).filter(Delivery.app_id == app_id):
                delivery.next_at = dt.datetime.now(dt.UTC) + HOUR
        server.start()
        worked_off(server, app_id, 1)


def _attempts(server: Server, app_id: str) -> int:
    with server.database.reading() as session:
        return sum(one.attempts for one in session.query(Delivery).filter(Delivery.app_id == app_id))


def _first_deploy(setting: Setting, server: Server) -> None:
    """It is waited for half an hour, of which none is left."""
    app_id = setting.cloud.fresh()
    with drilled("make an app", "control plane's clock", "an hour ahead, in its first deploy", setting.rows) as course:
        provision = server.provision(app_id, first_deploy=True)
        until(lambda: _at(server, provision) == "deploy", "it does not come to its first deploy")
        server.kill()
        with server.database.writing() as session:
            row = session.get_one(Provision, provision)
            began = dt.datetime.fromisoformat(row.steps["deploy"]) - HOUR
            row.steps = {**row.steps, "deploy": began.isoformat()}
        server.start()
        require(server.ended(provision) == "failed", "it has not ended")
        course.tell(server.http.get(f"/api/provisions/{provision}").json()["error"])
        left = [one for one in APP_ENVIRONMENTS if setting.cloud.code(one, script_of(one, app_id)) is not None]
        require(left == [], f"what was made is still there: {left}")
        require(server.ended(server.provision(app_id, again=True)) == "ready", "it can't be made again")


def _at(server: Server, provision: str) -> str:
    session: Session
    with server.database.reading() as session:
        return session.get_one(Provision, provision).step


def _identity(setting: Setting, server: Server, issuer: Issuer, hours: int) -> None:
    app_id = setting.cloud.fresh()
    declare(server.database, setting.cloud, app_id)
    fault = f"an hour {'ahead' if hours < 0 else 'back'} of the issuer's"
    with (
        drilled("deploy", "control plane's clock", fault, setting.rows) as course,
        httpx.Client(base_url=f"{server.url}/api/deploy", timeout=60, trust_env=False) as http,
    ):
        try:
            pipeline(http, setting.cloud, app_id, issuer.token(app_id, hours * HOUR))
        except Failed as error:
            course.tell(error)
        require(bool(course.told), "a token of another hour was taken")
        pipeline(http, setting.cloud, app_id, issuer.token(app_id))
        require(setting.cloud.code("production", app_id) is not None, "it is not live afterwards")
