"""Workflows of an app's scripts and of its state, by what the engine and the operators make them with."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app_stacks.cloudflare_api import CloudflareApi, ScriptAddress
from app_stacks.cloudflare_error import CloudflareError
from app_stacks.namespace_script import BOOTSTRAP
from control_plane.app_states import AppStates
from control_plane.app_store import AppState, AppStore
from control_plane.database import Database
from control_plane.state import Plane
from control_plane.tables import App
from overskill.drill.cloud import IMPATIENT, PREFIX, Cloud, haste
from overskill.drill.faulty_calls import Workflow
from overskill.drill.plane import NOW, declare
from overskill.drill.row import require


@contextmanager
def life_of_a_script(cloud: Cloud) -> Iterator[Workflow]:
    """One is made and changed, another one made and removed: what an app's stack does in `up` and `destroy`."""
    page = {BOOTSTRAP.name: BOOTSTRAP.read_text()}
    with CloudflareApi(cloud.token, cloud.cloudflare_url, patience=haste(), timeout=IMPATIENT) as api:

        def run(app_id: str) -> None:
            for script in (app_id, f"staging-{app_id}"):
                api.upload_new(_address(cloud, script), {"main_module": BOOTSTRAP.name, **_settings("first")}, page)
            api.patch_settings(_address(cloud, app_id), _settings("second"), ["NAME"])
            api.delete(_address(cloud, f"staging-{app_id}"))

        def check(app_id: str) -> None:
            found = api.settings(_address(cloud, app_id)) or {}
            seen = {name: found.get(name) for name in ("tags", "bindings")}
            require(seen == _settings("second"), f"the settings are not those that are declared: {seen}")
            require(page[BOOTSTRAP.name] in (cloud.code("production", app_id) or ""), "the code is not the first page")
            require(cloud.code("production", f"staging-{app_id}") is None, "the script that was deleted is there")

        yield Workflow(name="an app's scripts", run=run, check=check, told_by=CloudflareError)


@contextmanager
def suspension(cloud: Cloud, plane: Plane) -> Iterator[Workflow]:
    """Suspended, resumed, suspended: the store where the dispatch Worker looks, and the records, say the same."""
    with AppStore(cloud.token, cloud.cloudflare_url, cloud.process.account, "", cloud.app_store) as store:
        states = AppStates(store, plane.database)

        def run(app_id: str) -> None:
            declare(plane.database, cloud, app_id)
            states.suspend(app_id, AppState(state="maintenance", reason="a drill", since=NOW), actor="system")
            states.resume(app_id, actor="system")
            states.suspend(app_id, AppState(state="legal", reason="a drill", since=NOW), actor="system")

        def check(app_id: str) -> None:
            found = store.state(app_id)
            require(found is not None and found.state == "legal", f"the store says {found}")
            require(_recorded(plane.database, app_id) == "legal", "the records say something else than the store")

        yield Workflow(name="suspend and resume", run=run, check=check, told_by=CloudflareError)


def _address(cloud: Cloud, script: str) -> ScriptAddress:
    return ScriptAddress(account_id=cloud.process.account, namespace=f"{PREFIX}-production", script=script)


def _settings(text: str) -> dict[str, Any]:
    return {"tags": ["app-drill"], "bindings": [{"type": "plain_text", "name": "NAME", "text": text}]}


def _recorded(database: Database, app_id: str) -> str:
    with database.reading() as session:
        return session.get_one(App, app_id).state
