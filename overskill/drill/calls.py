"""Cloudflare's API fails: at each call of each workflow, in each way."""

from contextlib import ExitStack

from control_plane.database import Database
from control_plane.migration import migrate
from control_plane.settings import Settings
from control_plane.state import Plane
from overskill.drill import deploys, faulty_calls, scripts
from overskill.drill.plane import Issuer, serving, settings_of
from overskill.drill.setting import Setting

FEW = 6
"""Of each workflow, in a quick run."""


def drill(setting: Setting) -> None:
    issuer, state, cloud = Issuer(), setting.folder / "calls", setting.cloud
    state.mkdir()
    with ExitStack() as stack:
        issuer.url = stack.enter_context(serving(issuer.app(), lifespan="off"))
        settings = Settings(**settings_of(cloud, state, oidc_issuer=issuer.url))
        database = Database(settings.database)
        stack.callback(database.close)
        migrate(database)
        plane = Plane(settings, database)
        for workflow in (
            stack.enter_context(scripts.life_of_a_script(cloud)),
            stack.enter_context(scripts.suspension(cloud, plane)),
            stack.enter_context(deploys.deploy(cloud, plane, issuer)),
        ):
            faulty_calls.drill(setting, workflow, FEW if setting.quick else None)
