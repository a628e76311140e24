"""`overskill webhooks`: those that failed, and those that were given up tried again."""

from typing import Annotated, cast, get_args

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from control_plane import redelivery
from control_plane.redelivery import Kind
from overskill import control_plane_records
from overskill.errors import CommandError
from overskill.options import Stack
from overskill.project import LOCAL_STACK, Project

webhooks = typer.Typer(no_args_is_help=True, help="Webhooks of the control plane that failed, of both ways.")

SHOWN = 50


@webhooks.command("list")
def list_failed(stack: Stack = LOCAL_STACK) -> None:
    """Those that failed and are tried again, or were given up; the newest first."""
    project = Project()
    project.stack_values(stack)
    whole = (Column(name, no_wrap=True) for name in ("webhook", "state", "what", "app"))
    table = Table(*whole, "tries", "why", box=None, pad_edge=False)
    with control_plane_records.opened(project, stack) as database, database.reading() as session:
        for one in redelivery.failed(session, SHOWN):
            state = f"again at {one.again:%H:%M:%S} UTC" if one.again else "given up"
            table.add_row(one.name, state, one.what, one.app_id or "", str(one.attempts), escape(one.error))
    Console(highlight=False).print(table if table.row_count else "None: every webhook was worked off, or is new.")


@webhooks.command()
def retry(
    names: Annotated[
        list[str] | None, typer.Argument(help="As `list` names them: notification:12, delivery:7.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All that were given up.")] = False,
    stack: Stack = LOCAL_STACK,
) -> None:
    """Try webhooks that were given up again, from the first attempt on."""
    if bool(names) == every:
        raise CommandError("say which: some by their names, as ./dev webhooks list has them, or --all")
    wanted = [_parsed(name) for name in names or ()]
    if wrong := [name for name, found in zip(names or (), wanted, strict=True) if found is None]:
        raise CommandError(f"no webhook is called {', '.join(wrong)}: ./dev webhooks list has their names")
    project, actor = Project(), control_plane_records.actor()
    project.stack_values(stack)
    problems: list[str] = []
    with control_plane_records.writing(project, stack) as session:
        count = redelivery.all_again(session, get_args(Kind), actor=actor) if every else len(wanted)
        for kind, number in filter(None, wanted):
            try:
                redelivery.again(session, kind, number, actor=actor)
            except (redelivery.Unknown, redelivery.Undead) as error:
                problems.append(str(error))
        if problems:
            raise CommandError(f"nothing was changed: {'; '.join(problems)}")
    print(f"{count} {'is' if count == 1 else 'are'} tried again, by the control plane while it runs.")


def _parsed(name: str) -> tuple[Kind, int] | None:
    kind, _, number = name.partition(":")
    return (cast(Kind, kind), int(number)) if kind in get_args(Kind) and number.isdecimal() else None
