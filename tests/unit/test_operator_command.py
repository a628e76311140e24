"""`overskill operator`: a password that opens the dashboard, a link that does so once."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from control_plane import operators
from control_plane.database import Database
from control_plane.tables import AuditEntry
from overskill.errors import CommandError
from overskill.operator_command import operator

PASSWORD = "correct horse battery"


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OVERSKILL_STATE", str(tmp_path))
    opened = Database(f"sqlite:///{tmp_path / 'control-plane.db'}")
    yield opened
    opened.close()


def run(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(operator, arguments, input=typed)


def test_a_password_is_asked_for_and_told_nobody(database: Database) -> None:
    told = run("set-password", "anna", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert (told.exit_code, PASSWORD in told.output) == (0, False)
    assert operators.is_password(database, "anna", PASSWORD)
    with database.reading() as session:
        assert session.scalars(sa.select(AuditEntry.subject)).all() == ["operator:anna"]


def test_a_short_one_changes_nothing(database: Database) -> None:
    run("set-password", "anna", typed=f"{PASSWORD}\n{PASSWORD}\n")
    refused = run("set-password", "anna", typed="short\nshort\n")
    assert isinstance(refused.exception, CommandError)
    assert operators.is_password(database, "anna", PASSWORD)


def test_a_link_leads_to_the_dashboard_of_the_stack(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    local = run("login-link", "anna").stdout.strip()
    assert local.startswith("http://127.0.0.1:8786/login/")
    monkeypatch.setenv("OVERSKILL_PUBLIC_URL", "https://control.example.com")
    public = run("login-link", "anna").stdout.strip()
    assert public.startswith("https://control.example.com/login/")
    with database.writing() as session:
        assert operators.use_link(session, local.rsplit("/", 1)[1]) == "anna"
        assert operators.use_link(session, local.rsplit("/", 1)[1]) is None
