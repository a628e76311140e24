"""Backup and restore, on both kinds of databases: all of it is back, nothing half, and the audit's chain holds."""

import datetime as dt
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from server_process import Installation, declaration

from control_plane import apps, audit, deployments, operators, snapshot
from control_plane.broker.bundles import Bundles, Folder
from control_plane.database import Database
from control_plane.deployments import Progress
from control_plane.migration import migrate
from control_plane.tables import App, AuditEntry, Deployment, Event, Login
from control_plane.usage.tables import FIGURES, UsageDay
from overskill.backup import command
from overskill.errors import CommandError
from overskill.project import Project

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

STACK_FILE = "config:\n  cloudflare:baseUrl: http://127.0.0.1:8787/client/v4\n"
PULUMI = {
    "stacks/overskill/local.json": '{"secret": "v1:encrypted"}',
    "stacks/overskill-apps/local.shop.json": "{}",
    "stacks/overskill/other.json": "{}",
}


@pytest.fixture
def project(installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A checkout with a platform: two apps, a deploy with its bundle, the engine's state, an app's stack file."""
    root = tmp_path / "checkout"
    (root / "app_stacks" / "stacks").mkdir(parents=True)
    (root / "Pulumi.local.yaml").write_text(STACK_FILE)
    (root / "app_stacks" / "stacks" / "Pulumi.local.shop.yaml").write_text("config: {}\n")
    made = Project(root)
    for name, text in PULUMI.items():
        (made.backend / ".pulumi" / name).parent.mkdir(parents=True, exist_ok=True)
        (made.backend / ".pulumi" / name).write_text(text)
    monkeypatch.setattr(command, "Project", lambda: made)
    monkeypatch.setenv("OVERSKILL_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("OVERSKILL_DATABASE_URL", installation.database_url)
    bundles = Bundles(Folder(tmp_path / "state" / "bundles"))
    module = {"name": "index.js", "content_type": "text/javascript", "digest": bundles.store.put([b"code"])}
    bundle = bundles.put({"metadata": {}, "modules": [module], "assets": {}})
    installation.declare("shop", "store")
    told = {"app_id": "shop", "environment": "production", "script": "shop", "commit": "c0ffee", "run_id": 7}
    with installation.database.writing() as session:
        at = dt.datetime.now(dt.UTC)
        deployments.record(session, Progress(**told, run_attempt=1, status="succeeded", at=at, bundle=bundle))
        operators.log_in(session, _operator(session))
        figures = dict.fromkeys(FIGURES, 7)
        session.add(UsageDay(day=at.date(), app_id="shop", environment="production", **figures))
    yield made


def _operator(session: sa.orm.Session) -> str:
    operators.set_password(session, "anna", "correct horse battery staple")
    return "anna"


def content(database: Database) -> dict[str, list[str]]:
    with snapshot.instant(database) as connection:
        return {table.name: list(snapshot.rows(connection, table)) for table in snapshot.tables()}


def lost(installation: Installation, project: Project) -> None:
    """As on a new machine: an empty database, and no files."""
    with installation.database.writing() as session:
        snapshot.load(session, {})
    for file in (project.root / "app_stacks" / "stacks").iterdir():
        file.unlink()
    for name in PULUMI:
        (project.backend / ".pulumi" / name).unlink()


def test_what_was_backed_up_is_back_and_the_audit_goes_on(
    installation: Installation, project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "backup.tar.gz"
    before = content(installation.database)
    command.create(file)
    assert file.stat().st_mode & 0o077 == 0
    assert "2 apps" in capsys.readouterr().out
    with pytest.raises(CommandError, match=r"records of the control plane\n.*Pulumi.local.shop.yaml|local.json"):
        command.restore(file)
    lost(installation, project)
    command.restore(file)
    after = content(installation.database)
    added = after["audit"].pop()
    assert json.loads(added)["action"] == "backup.restore"
    assert after == before
    every = set(sa.inspect(installation.database.engine).get_table_names()) - {"alembic_version"}
    assert every - snapshot.LEFT_OUT == after.keys(), "a table that no backup has"
    with installation.database.writing() as session:
        audit.append(session, audit.Deed("system", "app.suspend", "app:shop"))
        audit.verify(session)
        assert session.scalar(sa.select(sa.func.count()).select_from(Login)) == 0
        newest = session.scalar(sa.select(sa.func.max(Event.id)))
    with installation.database.writing() as session:
        apps.declare(session, declaration("third", 3), actor="system")
    with installation.database.reading() as session:
        assert session.scalar(sa.select(sa.func.max(Event.id))) > newest, "numbers go on behind the last one"
    kept = project.backend / ".pulumi" / "stacks"
    assert (kept / "overskill" / "local.json").read_text() == '{"secret": "v1:encrypted"}'
    assert (kept / "overskill-apps" / "local.shop.json").exists()
    assert not (kept / "overskill" / "other.json").exists(), "it is another platform's"
    assert (project.root / "app_stacks" / "stacks" / "Pulumi.local.shop.yaml").exists()


@on_sqlite
def test_a_backup_that_was_changed_or_cut_off_restores_nothing(
    installation: Installation, project: Project, tmp_path: Path
) -> None:
    file, folder = tmp_path / "backup.tar.gz", tmp_path / "opened"
    command.create(file)
    before = content(installation.database)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CommandError, match="is no whole backup"):
        command.restore(file, force=True)
    file.write_bytes(whole)
    with tarfile.open(file) as tar:
        tar.extractall(folder, filter="data")
    rows = folder / "database" / "apps.jsonl"
    rows.write_text(rows.read_text().replace("Shop", "Ship"))
    (folder / "more").write_text("")
    with tarfile.open(file, "w:gz") as tar:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                tar.add(path, path.relative_to(folder))
    with pytest.raises(CommandError, match=r"more is not in the manifest\ndatabase/apps.jsonl was changed"):
        command.restore(file, force=True)
    assert content(installation.database) == before


def test_it_is_of_one_instant_while_others_write(installation: Installation, project: Project) -> None:
    with snapshot.instant(installation.database) as connection:
        with installation.database.writing() as session:
            audit.append(session, audit.Deed("system", "app.suspend", "app:shop"))
            session.delete(session.get_one(App, "store"))
        seen = {table.name: list(snapshot.rows(connection, table)) for table in snapshot.tables()}
    assert len(seen["apps"]) == 2
    assert len(seen["audit"]) == len(content(installation.database)["audit"]) - 1


@on_sqlite
def test_bundles_that_are_not_there_are_told_and_come_with_the_backup_if_wanted(
    installation: Installation, project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone, whole = tmp_path / "alone.tar.gz", tmp_path / "whole.tar.gz"
    command.create(alone)
    command.create(whole, with_bundles=True)
    bundles = tmp_path / "state" / "bundles"
    bundles.rename(tmp_path / "gone")
    command.restore(alone, force=True)
    assert "1 bundles are not kept here" in capsys.readouterr().err
    command.restore(whole, force=True)
    assert "not kept" not in capsys.readouterr().err
    with installation.database.reading() as session:
        digest = session.scalars(sa.select(Deployment.bundle)).one()
    assert Bundles(Folder(bundles)).open(digest)["modules"]


@on_sqlite
def test_a_state_without_a_folder_to_go_to_is_told(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command.create(tmp_path / "backup.tar.gz")
    monkeypatch.setattr(command.Files, "of", lambda *_: command.Files(project, "local", None))
    command.restore(tmp_path / "backup.tar.gz", force=True)
    assert "the engine's state is not restored" in capsys.readouterr().err
    command.create(tmp_path / "another.tar.gz")
    assert "the engine's state is not in it" in capsys.readouterr().err


@on_sqlite
def test_an_engine_at_work_is_waited_out(project: Project, tmp_path: Path) -> None:
    lock = project.backend / ".pulumi" / "locks" / "organization" / "overskill-apps" / "local.shop" / "1.json"
    lock.parent.mkdir(parents=True)
    lock.write_text("{}")
    with pytest.raises(CommandError, match=r"an engine is at work on local\.shop"):
        command.create(tmp_path / "backup.tar.gz")
    assert not (tmp_path / "backup.tar.gz").exists()


@on_sqlite
def test_a_backup_goes_from_one_kind_of_database_to_the_other(
    installation: Installation, project: Project, tmp_path: Path, empty_postgresql: str
) -> None:
    other = Database(empty_postgresql)
    migrate(other)
    before = content(installation.database)
    with other.writing() as session:
        snapshot.load(session, before)
        count, _ = audit.verify(session)
        assert count == session.scalar(sa.select(sa.func.count()).select_from(AuditEntry))
    assert content(other) == before
    with installation.database.writing() as session:
        snapshot.load(session, content(other))
    assert content(installation.database) == before
    other.close()
