"""The database's schema: brought to this version's before anything else is done with it.

A change of `tables.py` ships with its revision: `python -m control_plane.migration "what it changes"` writes one.
"""

import sys
import tempfile
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Connection

from control_plane.database import Database

LOCK = 0x6F76736D  # any number that nothing else in the database locks by


def migrate(database: Database) -> None:
    """Run the revisions that the database lacks: all of them, or none. Several servers may begin at once.

    Raises `alembic.util.CommandError` for a database of a newer version.
    """
    with database.writing() as session:
        if not database.is_sqlite:
            session.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
        command.upgrade(_config(session.connection()), "head")


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def write_revision(message: str) -> None:
    """Write what `tables.py` has and the revisions have not as one more revision."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/empty.db")
        migrate(database)
        with database.writing() as session:
            command.revision(_config(session.connection()), message, autogenerate=True)


if __name__ == "__main__":
    write_revision(sys.argv[1])
