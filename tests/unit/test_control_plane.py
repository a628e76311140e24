"""What each part of the control plane relies on: the database, the audit's chain, who may call."""

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from control_plane import access, audit
from control_plane.database import Database
from control_plane.migration import migrate
from control_plane.tables import AccessToken, AuditEntry, Table


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'control-plane.db'}")
    migrate(database)
    yield database
    database.close()


def _deeds(database: Database, count: int) -> None:
    for number in range(count):
        with database.writing() as session:
            audit.append(session, audit.Deed("system", "app.create", f"app:a{number}", details={"number": number}))


def test_the_audit_holds(database: Database) -> None:
    threads = [threading.Thread(target=_deeds, args=(database, 20)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        assert audit.verify(session)[0] == 80


@pytest.mark.parametrize(
    "tampering",
    [
        sa.update(AuditEntry).where(AuditEntry.id == 2).values(actor="operator:mallory"),
        sa.update(AuditEntry).where(AuditEntry.id == 2).values(details={"number": 7}),
        sa.update(AuditEntry).where(AuditEntry.id == 2).values(at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC)),
        sa.delete(AuditEntry).where(AuditEntry.id == 2),
    ],
)
def test_tampering_is_found(database: Database, tampering: sa.Executable) -> None:
    _deeds(database, 4)
    with database.writing() as session:
        session.execute(tampering)
    with database.reading() as session, pytest.raises(audit.Broken, match="entry 2"):
        audit.verify(session)


def test_the_revisions_make_the_tables(database: Database) -> None:
    """Without a revision for it, a changed table is wrong on every machine but a new one."""
    migrate(database)
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Table.metadata) == []


def test_an_end_that_was_cut_off_is_found_by_an_earlier_one(database: Database) -> None:
    _deeds(database, 4)
    with database.reading() as session:
        anchor = "{}:{}".format(*audit.verify(session))
    _deeds(database, 1)
    with database.reading() as session:
        assert audit.verify(session, anchor)[0] == 5
    with database.writing() as session:
        session.execute(sa.delete(AuditEntry).where(AuditEntry.id > 3))
    with database.reading() as session:
        assert audit.verify(session)[0] == 3
        with pytest.raises(audit.Broken, match="its end was cut off"):
            audit.verify(session, anchor)


def test_what_is_raised_takes_everything_back(database: Database) -> None:
    def interrupted() -> None:
        with database.writing() as session:
            audit.append(session, audit.Deed("system", "app.create", "app:a"))
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    with database.reading() as session:
        assert audit.verify(session) == (0, audit.GENESIS)


def test_a_token_is_kept_as_its_hash(database: Database) -> None:
    with database.writing() as session:
        token = access.issue(session, "builder", ["apps:read"])
    with database.reading() as session:
        kept = session.scalars(sa.select(AccessToken)).one()
    assert token not in repr(vars(kept))
    assert kept.created_at.tzinfo is dt.UTC
