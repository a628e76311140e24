"""`overskill template`: what apps start from, and the pipeline in their repositories."""

from typing import Annotated

import typer

from overskill.project import LOCAL_STACK, Project
from overskill.stack_context import StackContext
from overskill.template.publish import publish

template = typer.Typer(no_args_is_help=True, help="What apps start from, and the pipeline in their repositories.")

Stack = Annotated[str, typer.Option(help="The platform stack.")]


@template.command("publish")
def publish_command(stack: Stack = LOCAL_STACK) -> None:
    """Push app_template/ to the template repository, which apps are made from."""
    context = StackContext(Project(), stack)
    context.require()
    commit = publish(context.project, context.config, context.credentials)
    name = context.config.template_repository
    print(f"{name}: {commit} is published" if commit else f"{name} is as app_template/ is")
