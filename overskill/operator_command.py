"""`overskill operator`: who may use the control plane's dashboard."""

import getpass
import os
from typing import Annotated

import typer

from control_plane import audit, operators
from overskill import control_plane_records
from overskill.control_plane_process import ControlPlane
from overskill.errors import CommandError
from overskill.options import Stack
from overskill.project import LOCAL_STACK, Project
from overskill.stack_context import StackContext

operator = typer.Typer(no_args_is_help=True, help="Operators, who may use the control plane's dashboard.")

Name = Annotated[str, typer.Argument(help="What the operator is called; one that there is not is made.")]


@operator.command("set-password")
def set_password(name: Name, stack: Stack = LOCAL_STACK) -> None:
    """Ask for a password and set it: who is logged in by another one is so no longer."""
    project = Project()
    project.stack_values(stack)
    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    with control_plane_records.writing(project, stack) as session:
        try:
            operators.set_password(session, name, password)
        except ValueError as error:
            raise CommandError(f"{error}; nothing was changed") from None
        audit.append(session, audit.Deed(control_plane_records.actor(), "operator.set-password", f"operator:{name}"))
    print(f"{name} may log in.")


@operator.command("login-link")
def login_link(
    name: Name,
    url: Annotated[str, typer.Option(help="The dashboard's. [default: OVERSKILL_PUBLIC_URL, or the local one]")] = "",
    stack: Stack = LOCAL_STACK,
) -> None:
    """Print a link that logs an operator in, once, within 15 minutes."""
    project = Project()
    here = ControlPlane.of(project, stack, StackContext(project, stack).config)
    found = url or os.environ.get("OVERSKILL_PUBLIC_URL") or (here and here.url)
    if not found:
        raise CommandError(f"the control plane of {stack} is elsewhere: say where, by --url or OVERSKILL_PUBLIC_URL")
    print(link(project, stack, found, name))


def link(project: Project, stack: str, url: str, name: str | None = None) -> str:
    """A link to the dashboard at `url` that works once; without a `name` whoever runs this is the operator."""
    name = name or getpass.getuser()
    with control_plane_records.writing(project, stack) as session:
        audit.append(session, audit.Deed(control_plane_records.actor(), "operator.login-link", f"operator:{name}"))
        return operators.login_link(session, name, url.rstrip("/"))
