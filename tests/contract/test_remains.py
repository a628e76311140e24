"""What an app leaves behind that no stack knows, such as its pull requests' previews, goes with it."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait

import pytest
import sqlalchemy as sa
from checkout import NAMESPACES, cloud_of_checkout
from contract_service import LocalCloud, upload

from control_plane import namespace_scripts
from control_plane.locks import ScriptLocks
from control_plane.settings import locks_folder
from control_plane.tables import AuditEntry
from overskill import control_plane_records
from overskill.control_plane_process import state_folder
from overskill.errors import CommandError
from overskill.project import Project
from overskill.session import Session

APPS = {
    "preview": {
        "preview-shop-pr7": "shop",
        "preview-shop-pr12": "shop",
        "preview-shopping-pr7": "shopping",
        "preview-cafe": "cafe",
    },
    "production": {"shop": "shop", "cafe": "cafe"},
}
"""By app environment the scripts, and whose each is. There is no namespace for staging."""


@pytest.fixture
def cloud(local, tmp_path, monkeypatch) -> Iterator[LocalCloud]:
    with cloud_of_checkout(tmp_path, monkeypatch) as made:
        for environment, scripts in APPS.items():
            made.client.post(NAMESPACES, json={"name": f"overskill-development-{environment}"}).raise_for_status()
            for script, app in scripts.items():
                form = upload({"tags": [f"app-{app}", f"environment-{environment}"]})
                made.client.put(f"{path(environment)}/{script}", files=form).raise_for_status()
        yield made


@pytest.fixture
def session(cloud: LocalCloud, tmp_path) -> Session:
    return Session(Project(tmp_path))


def path(environment: str) -> str:
    return f"{NAMESPACES}/overskill-development-{environment}/scripts"


def scripts(cloud: LocalCloud, environment: str) -> set[str]:
    return {script["id"] for script in cloud.client.get(path(environment)).json()["result"]}


def forget(session: Session, **credentials: str) -> int:
    given = {**session.credentials, **credentials}
    return control_plane_records.forget(session.project, "local", session.config, given, "shop")


@pytest.mark.parametrize("page", [1, 1000])
def test_an_apps_scripts_go_and_no_others(cloud: LocalCloud, session: Session, monkeypatch, page: int) -> None:
    monkeypatch.setattr(namespace_scripts, "PAGE", page)
    assert forget(session) == 3
    assert scripts(cloud, "preview") == {"preview-shopping-pr7", "preview-cafe"}
    assert scripts(cloud, "production") == {"cafe"}
    with control_plane_records.opened(session.project, "local") as database, database.reading() as records:
        entries = records.scalars(sa.select(AuditEntry).where(AuditEntry.action == "app.remains")).all()
    assert {entry.subject for entry in entries} == {
        f"script:{name}" for name in ("preview-shop-pr7", "preview-shop-pr12", "shop")
    }
    assert forget(session) == 0


def test_what_cannot_be_removed_is_told_with_what_mends_it(cloud: LocalCloud, session: Session) -> None:
    with pytest.raises(CommandError, match=r"scripts of app shop are left.* HTTP 40\d.*; the same command"):
        forget(session, CLOUDFLARE_API_TOKEN="wrong")
    assert forget(session) == 3


@pytest.mark.parametrize("script", ["preview-shop-pr7", "shop"])
def test_whoever_is_uploading_one_comes_to_an_end_first(cloud: LocalCloud, session: Session, script: str) -> None:
    """The app's own script is not there yet as its removal begins."""
    (environment,) = (environment for environment, owners in APPS.items() if script in owners)
    cloud.client.delete(f"{path('production')}/shop").raise_for_status()

    async def raced(removing: ThreadPoolExecutor) -> Future[int]:
        folder = locks_folder(state_folder(session.project, "local"))
        with control_plane_records.opened(session.project, "local") as database:
            async with ScriptLocks(database, folder).held(script):
                removal = removing.submit(forget, session)
                await asyncio.to_thread(wait, [removal], 1)
                assert not removal.done()
                form = upload({"tags": ["app-shop"]})
                cloud.client.put(f"{path(environment)}/{script}", files=form).raise_for_status()
        return removal

    with ThreadPoolExecutor(1) as removing:
        assert asyncio.run(raced(removing)).result() == (2 if environment == "preview" else 3)
    assert not {"shop", "preview-shop-pr7"} & {*scripts(cloud, "preview"), *scripts(cloud, "production")}
