"""`overskill stack`: a platform stack planned and deployed as the workflows do it; the platforms of pull requests."""

from pathlib import Path
from typing import Annotated

import typer

from overskill import deploy as deploys
from overskill.options import Stack
from overskill.preview_env.command import preview_env
from overskill.project import LOCAL_STACK, Project
from overskill.stack_context import StackContext

stack = typer.Typer(no_args_is_help=True, help="A platform stack planned and deployed; the platforms of pull requests.")
stack.add_typer(preview_env, name="preview-env")


@stack.command()
def plan(
    file: Annotated[
        Path, typer.Argument(dir_okay=False, help="Where the plan is written; its configuration is put beside it.")
    ],
    stack: Stack = LOCAL_STACK,
) -> None:
    """Write what a deploy would do to a file, and tell it; `stack deploy --plan` does this and no more."""
    print(deploys.plan(StackContext(Project(), stack), file))


@stack.command()
def deploy(
    plan: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="What `stack plan` wrote. [default: whatever it takes]"),
    ] = None,
    stack: Stack = LOCAL_STACK,
) -> None:
    """Bring a platform up, and try it with an app; where that fails, the dispatch Worker is as it was before."""
    for probe in deploys.deploy(StackContext(Project(), stack), plan):
        print(f"{probe.title:<24} {probe.expected}  {probe.url}")
