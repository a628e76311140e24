"""A control plane as a process of its own, `python -m overskill.drill.server`, which can be told where to die.

Its settings are those of the environment, as `overskill serve` has them. In place of the engine it makes an app's
scripts by Cloudflare's API. With a file `die` in the state folder, `{step} before` or `{step} after`, it is killed as
it tells that a provision has come to that step, before that is committed or after it; the file goes first, so it dies
once.
"""

import os
import signal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, object_session

from app_stacks.cloudflare_api import CloudflareApi, ScriptAddress
from app_stacks.namespace_script import BOOTSTRAP
from control_plane.apps import Declaration
from control_plane.settings import Settings
from control_plane.tables import Event
from overskill.control_plane_server import run
from overskill.drill.cloud import haste
from overskill.drill.plane import declaration

DIE = "die"


class ScriptsBuilder:
    """A `Builder`: an app is a script in each namespace."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def has(self, app_id: str) -> bool:
        """No drill loses the records."""
        return False

    def create(self, app_id: str, options: dict[str, object]) -> Declaration:
        made = self._declaration(app_id)
        with self._api() as api:
            for address in self._addresses(made):
                api.upload_new(address, {"main_module": BOOTSTRAP.name}, {BOOTSTRAP.name: BOOTSTRAP.read_text()})
        return made

    def destroy(self, app_id: str) -> None:
        with self._api() as api:
            for address in self._addresses(self._declaration(app_id)):
                api.delete(address)

    def _api(self) -> CloudflareApi:
        token = self._settings.cloudflare_api_token.get_secret_value()
        return CloudflareApi(token, self._settings.cloudflare_url, patience=haste())

    def _declaration(self, app_id: str) -> Declaration:
        return declaration(self._settings.platform, self._settings.cloudflare_url, app_id)

    def _addresses(self, made: Declaration) -> list[ScriptAddress]:
        account = self._settings.platform.account_id
        return [
            ScriptAddress(account_id=account, namespace=place.namespace, script=place.script)
            for place in made.places.values()
        ]


def die_on_demand(settings: Settings) -> None:
    order = settings.state / DIE

    @sa.event.listens_for(Event, "after_insert")
    def inserted(_mapper: Any, _connection: Any, event: Event) -> None:
        if event.type != "provision.step" or not order.exists():
            return
        status, step = event.data["status"], event.data["step"]
        place, _, moment = order.read_text().partition(" ")
        if place != (step if status in ("running", "cancelling") else status):
            return
        order.unlink()
        if moment == "before":
            _die()
        session = object_session(event)
        assert isinstance(session, Session)  # noqa: S101 - it has just been inserted by one
        sa.event.listen(session, "after_commit", _die)


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    found = Settings.model_validate({})  # all of it is in the environment
    die_on_demand(found)
    run(found, ScriptsBuilder(found))
