"""What the builder needs of a platform, and its dispatch Worker's version in shares."""

from typing import Annotated

import typer

from overskill.builder_environment import lines
from overskill.options import Stack
from overskill.project import LOCAL_STACK, Project
from overskill.rollout import roll_back, roll_out
from overskill.stack_context import StackContext


def environment(
    stack: Stack = LOCAL_STACK,
    show_secrets: Annotated[bool, typer.Option("--show-secrets", help="Print the secrets too.")] = False,
) -> None:
    """Print the environment that the builder needs for a platform stack, as NAME=value lines."""
    context = StackContext(Project(), stack)
    print("\n".join(lines(context.config, context.credentials, show_secrets=show_secrets)))


def rollout(
    percentage: Annotated[int, typer.Argument(min=0, max=100, help="Of the requests; 100 ends the rollout.")],
    stack: Stack = LOCAL_STACK,
) -> None:
    """Give the dispatch Worker of this checkout a share of the requests, and the version that serves now the rest."""
    print(roll_out(StackContext(Project(), stack), percentage))


def rollback(stack: Stack = LOCAL_STACK) -> None:
    """Give every request back to the dispatch Worker's version before the newest."""
    print(roll_back(StackContext(Project(), stack)))
