"""`overskill token`: made, listed, revoked; what the control plane makes of them."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from control_plane.audit import verify
from control_plane.database import Database
from control_plane.tables import AccessToken, AuditEntry
from overskill.errors import CommandError
from overskill.token_command import token


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path / 'control-plane.db'}"
    monkeypatch.setenv("OVERSKILL_STATE", str(tmp_path))
    return url


def run(*arguments: str) -> Result:
    return CliRunner().invoke(token, arguments)


def test_a_token_is_told_once_and_ended_at_once(database: str) -> None:
    made = run("create", "builder", "--scope", "apps:read", "--scope", "apps:write", "--days", "30")
    assert (made.exit_code, made.stdout[:4]) == (0, "osk_")
    listed = run("list").stdout
    assert "builder" in listed and "apps:read, apps:write" in listed and made.stdout.strip() not in listed
    assert run("revoke", "builder").exit_code == run("revoke", "builder").exit_code == 0
    assert "revoked" in run("list").stdout
    opened = Database(database)
    with opened.reading() as session:
        assert session.scalars(sa.select(AccessToken)).one().revoked_at
        assert session.scalars(sa.select(AuditEntry.action)).all() == ["token.create", "token.revoke"]
        assert verify(session)[0] == 2
        assert made.stdout.strip() not in repr([vars(entry) for entry in session.scalars(sa.select(AuditEntry))])
    opened.close()


def test_a_name_stands_for_one_token_for_ever(database: str) -> None:
    run("create", "builder", "--scope", "apps:read")
    again = run("create", "builder", "--scope", "apps:write")
    assert isinstance(again.exception, CommandError) and "another name" in str(again.exception)
    unknown = run("revoke", "nobody")
    assert isinstance(unknown.exception, CommandError) and "token list" in str(unknown.exception)


def test_a_scope_is_one_of_those_that_there_are(database: str) -> None:
    assert run("create", "builder").exit_code == 2
    wrong = run("create", "builder", "--scope", "everything", "--scope", "apps:read")
    assert str(wrong.exception).startswith("no such scope: everything; there are apps:read, ")
