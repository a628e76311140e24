"""`overskill audit`: whether what the control plane wrote down of all that was done is as it was written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import sqlalchemy as sa
import typer

from control_plane import audit as chain
from control_plane.database import Database
from overskill import control_plane_records
from overskill.control_plane_process import state_folder
from overskill.errors import CommandError
from overskill.options import Stack
from overskill.project import LOCAL_STACK, Project

audit = typer.Typer(no_args_is_help=True, help="The record of all that was done.")


@audit.callback()
def group() -> None:
    """The record of all that was done."""


@audit.command()
def verify(
    stack: Stack = LOCAL_STACK,
    anchor: Annotated[str, typer.Option(help="An entry that was seen earlier, as this printed it: NUMBER:HASH.")] = "",
) -> None:
    """Check each entry of the audit against its hash and the entry before. Exits with 1 where one was changed.

    Whoever can write to the database could write all of it anew, or cut its end off: keep what this prints elsewhere,
    and give it as the anchor next time.
    """
    try:
        with _database(stack) as database, database.reading() as session:
            count, last = chain.verify(session, anchor)
    except chain.Broken as broken:
        raise CommandError(f"the audit does not hold: {broken}") from None
    except sa.exc.OperationalError as error:
        raise CommandError(f"the control plane's database can't be read: {error.orig}") from None
    print(f"{count} entries, unchanged. The last one: {count}:{last}")


@contextmanager
def _database(stack: str) -> Iterator[Database]:
    """The control plane's of a stack. Raises `CommandError` if there is none."""
    project = Project()
    file = state_folder(project, stack) / "control-plane.db"
    if not os.environ.get("OVERSKILL_DATABASE_URL") and not file.exists():
        raise CommandError(f"stack {stack} has no control plane here: {file} is missing")
    with control_plane_records.opened(project, stack) as database:
        yield database
