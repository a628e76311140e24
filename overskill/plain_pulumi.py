"""`./dev pulumi ARGUMENTS`: the pinned engine, with the environment that the stack it is asked for needs."""

import os
import subprocess
from collections.abc import Sequence

import typer

from overskill.project import LOCAL_STACK, Project
from overskill.session import Session
from overskill.toolchain import Toolchain


def pulumi(context: typer.Context) -> None:
    """Run the pinned engine with the arguments given, and the environment that the stack needs."""
    raise typer.Exit(run(Project(), context.args))


def run(project: Project, arguments: Sequence[str]) -> int:
    """Pass `arguments` on and return the engine's exit code.

    For a stack of the local cloud, or where none is named, the run gets the local cloud's credentials, state and
    plugins. Any other stack gets the user's own environment, with the toolchain first on PATH.
    """
    platform_stack = (named_stack(arguments) or LOCAL_STACK).split(".")[0]
    if platform_stack in project.local_stacks():
        environment = Session(project, stack=platform_stack).environment
    else:
        environment = os.environ | Toolchain(project.root).environment()
    try:
        return subprocess.run(["pulumi", *arguments], env=environment, check=False).returncode
    finally:
        project.forget_salt()


def named_stack(arguments: Sequence[str]) -> str | None:
    """The value of `-s NAME`, `-sNAME`, `--stack NAME` or `--stack=NAME`."""
    for position, argument in enumerate(arguments):
        if argument in ("-s", "--stack"):
            return arguments[position + 1] if position + 1 < len(arguments) else None
        if argument.startswith("--stack="):
            return argument.removeprefix("--stack=")
        if argument.startswith("-s") and not argument.startswith("--"):
            return argument[2:]
    return None
