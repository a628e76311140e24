"""`overskill token`: who may call the control plane's API, and what for."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, cast, get_args

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from control_plane import audit
from control_plane.access import Scope, issue
from control_plane.tables import AccessToken
from overskill import control_plane_records
from overskill.errors import CommandError
from overskill.options import Stack
from overskill.project import LOCAL_STACK, Project

SCOPES: tuple[Scope, ...] = get_args(Scope)

token = typer.Typer(no_args_is_help=True, help="Tokens for the control plane's API.")

Name = Annotated[str, typer.Argument(help="What the audit calls whoever uses it, such as builder.")]


@token.command()
def create(
    name: Name,
    *,
    scope: Annotated[list[str], typer.Option(help=f"What it is good for; repeatable: {', '.join(SCOPES)}.")],
    days: Annotated[int | None, typer.Option(min=1, help="How long it is good. [default: until it is revoked]")] = None,
    stack: Stack = LOCAL_STACK,
) -> None:
    """Make a token and print it: this once, only its hash is kept."""
    if unknown := sorted({*scope} - {*SCOPES}):
        raise CommandError(f"no such scope: {', '.join(unknown)}; there are {', '.join(SCOPES)}")
    with _tokens(stack) as session:
        if session.scalar(sa.select(AccessToken.id).where(AccessToken.name == name)):
            raise CommandError(f"there is, or was, a token {name!r}: choose another name, so that the audit is clear")
        made = issue(
            session, name, cast(list[Scope], scope), datetime.now(UTC) + timedelta(days=days) if days else None
        )
        _note(session, "token.create", name, scopes=scope)
    print(made)


@token.command("list")
def list_tokens(stack: Stack = LOCAL_STACK) -> None:
    """The tokens that there are and were, without their texts."""
    table = Table("name", "scopes", "made", "good until", box=None, pad_edge=False)
    with _tokens(stack) as session:
        for found in session.scalars(sa.select(AccessToken).order_by(AccessToken.name)):
            until = f"revoked {_day(found.revoked_at)}" if found.revoked_at else _day(found.expires_at)
            table.add_row(found.name, ", ".join(found.scopes), _day(found.created_at), until)
    Console(highlight=False).print(table)


@token.command()
def revoke(name: Name, stack: Stack = LOCAL_STACK) -> None:
    """End a token at once."""
    with _tokens(stack) as session:
        found = session.scalar(sa.select(AccessToken).where(AccessToken.name == name))
        if found is None:
            raise CommandError(f"there is no token {name!r}; ./dev token list shows those that there are")
        if found.revoked_at is None:
            found.revoked_at = datetime.now(UTC)
            _note(session, "token.revoke", name)
    print(f"{name} is good for nothing any more.")


@contextmanager
def _tokens(stack: str) -> Iterator[Session]:
    """A transaction on the control plane's database. Raises `CommandError` for a stack that there isn't."""
    project = Project()
    project.stack_values(stack)
    with control_plane_records.writing(project, stack) as session:
        yield session


def _note(session: Session, action: str, name: str, **details: object) -> None:
    audit.append(session, audit.Deed(control_plane_records.actor(), action, f"token:{name}", details=details))


def _day(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d}" if time else ""
