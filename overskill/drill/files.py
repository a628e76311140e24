"""Files that were cut in half: each is refused with what to do, or is as good as not there."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import httpx

from control_plane.broker.bundles import Bundles, Folder
from overskill.drill.cloud import Cloud
from overskill.drill.deploys import pipeline
from overskill.drill.plane import Issuer, declare, serving
from overskill.drill.process import Server
from overskill.drill.row import Course, Row, drilled, require
from overskill.drill.setting import Setting
from overskill.errors import CommandError

HALF = "cut in half"


def drill(setting: Setting) -> None:
    if setting.quick:
        return
    cloud, folder, rows = setting.cloud, setting.folder, setting.rows
    _bundle(cloud, folder, rows)
    _database(cloud, folder, rows)
    _cloud(cloud, "credentials.json", rows)
    _cloud(cloud, "cloud.sqlite3", rows)


def _bundle(cloud: Cloud, folder: Path, rows: list[Row]) -> None:
    """Nothing is rolled back to what is not what was deployed; and a deploy of the same mends it."""
    issuer, app_id = Issuer(), cloud.fresh()
    with (
        drilled("bundle of a deploy", "a file of the bundle", HALF, rows),
        serving(issuer.app(), lifespan="off") as issuer.url,
    ):
        server = Server(cloud, folder / "files", oidc_issuer=issuer.url)
        try:
            declare(server.database, cloud, app_id)
            bundles = Bundles(Folder(server.folder / "bundles"))
            with httpx.Client(base_url=f"{server.url}/api/deploy", timeout=60, trust_env=False) as http:
                pipeline(http, cloud, app_id, issuer.token(app_id))
                digest = _digest(server, app_id)
                module = bundles.open(digest)["modules"][0]["digest"]
                halve(next((server.folder / "bundles" / "files").rglob(module)))
                require(not _has(bundles, module), "half a file counts as whole")
                pipeline(http, cloud, app_id, issuer.token(app_id))
                require(_has(bundles, module), "the deploy has not kept it anew")
        finally:
            server.stop()


def _database(cloud: Cloud, folder: Path, rows: list[Row]) -> None:
    server = Server(cloud, folder / "cut")
    file = server.folder / "control-plane.db"
    try:
        with drilled("start the control plane", file.name, HALF, rows) as course:
            app_id = cloud.fresh()
            declare(server.database, cloud, app_id)
            server.database.close()
            server.kill()
            whole = _whole(file)
            halve(file)
            _refused(course, server.start, file.name)
            for left in server.folder.glob(f"{file.name}*"):
                left.unlink()
            file.write_bytes(whole)
            server.start()
            require(server.call("GET", f"/api/apps/{app_id}") == httpx.codes.OK, "the backup is not served")
    finally:
        server.stop()


def _cloud(cloud: Cloud, name: str, rows: list[Row]) -> None:
    file = cloud.process.state / name
    with drilled("start the local cloud", name, HALF, rows) as course:
        cloud.process.stop()
        whole = file.read_bytes()
        halve(file)

        def start() -> None:
            cloud.process.start(cloud.programs)
            cloud.process.credentials()

        try:
            _refused(course, start, name)
        finally:
            cloud.process.stop()
            for left in file.parent.glob(f"{name}-*"):
                left.unlink()
            file.write_bytes(whole)
            cloud.process.start(cloud.programs)
        require(cloud.http.get("/_local/requests").is_success, "what was put back is not served")


def _refused(course: Course, work: Callable[[], object], name: str) -> None:
    """With an error that names the file, and says what to do."""
    try:
        work()
    except CommandError as error:
        course.tell(str(error)[-300:])
        require(name in str(error), f"the error does not name {name}: {course.told}")
        return
    require(False, "it was taken for whole")


def halve(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def _whole(file: Path) -> bytes:
    """A database's file with what is in its log: as a backup has it."""
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return file.read_bytes()


def _digest(server: Server, app_id: str) -> str:
    found = server.http.get(f"/api/apps/{app_id}/deployments").json()["items"][0]["bundle"]
    require(bool(found), "the bundle was not kept")
    return str(found)


def _has(bundles: Bundles, digest: str) -> bool:
    try:
        bundles.read(digest)
    except KeyError:
        return False
    return True
