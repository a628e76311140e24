"""`overskill stack preview-env`: what the workflow of a pull request calls, for a person as well."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from infra.names import MAX_PULL_REQUEST, PullRequestPlatform
from overskill.errors import CommandError
from overskill.local_api import start
from overskill.local_cloud_process import Programs
from overskill.preview_env import report
from overskill.preview_env.environments import PreviewEnvironments
from overskill.progress import step
from overskill.project import LOCAL_STACK, Project
from overskill.repository import Repository
from overskill.stack_context import StackContext

preview_env = typer.Typer(no_args_is_help=True, help="A platform for each pull request of this project.")

Number = Annotated[int, typer.Argument(min=1, max=MAX_PULL_REQUEST, help="Of the pull request.")]
Base = Annotated[str, typer.Option("--from", help="The platform stack that it is a copy of.")]
Comment = Annotated[Path | None, typer.Option(help="Write what happened to this file, as Markdown for a comment.")]


@preview_env.command()
def up(number: Number, base: Base = LOCAL_STACK, comment: Comment = None) -> None:
    """Bring up the platform of a pull request, from this checkout, and try it with an app."""
    pull_request, context = PullRequestPlatform(number), StackContext(Project(), base)
    try:
        _start_local_cloud(context)
        environments = PreviewEnvironments(context)
        outcome, probes = environments.up(pull_request)
    except CommandError as error:
        _write(comment, report.failed(pull_request, base, str(error), context.credentials))
        raise
    _write(comment, report.up(pull_request, base, outcome, probes, ttl_hours=environments.limits.ttl_hours))
    for probe in probes:
        print(f"{probe.title:<24} {probe.expected}  {probe.url}")


@preview_env.command()
def down(number: Number, base: Base = LOCAL_STACK, comment: Comment = None) -> None:
    """Take away the platform of a pull request, with its apps and their repositories."""
    pull_request, context = PullRequestPlatform(number), StackContext(Project(), base)
    _start_local_cloud(context)
    there_was = PreviewEnvironments(context).down(pull_request)
    _write(comment, report.gone(pull_request))
    print(f"{pull_request.stack} is gone" if there_was else f"there is no {pull_request.stack}")


@preview_env.command("list")
def list_environments(base: Base = LOCAL_STACK) -> None:
    """The platforms of pull requests that there are, and how long they stay."""
    environments = PreviewEnvironments(StackContext(Project(), base))
    table, now = (
        Table("stack", "resources", "last up (UTC)", "stays until", box=None, pad_edge=False),
        datetime.now(UTC),
    )
    for preview in (found := environments.all()):
        updated = f"{preview.updated:%Y-%m-%d %H:%M}" if preview.updated else "never"
        until = "the next sweep"
        if preview.updated and not preview.expired(environments.ttl, now):
            until = f"{preview.updated + environments.ttl:%Y-%m-%d %H:%M}"
        table.add_row(preview.pull_request.stack, str(preview.resources), updated, until)
    Console(highlight=False).print(table if found else "There are none: ./dev stack preview-env up NUMBER makes one.")


@preview_env.command()
def sweep(
    base: Base = LOCAL_STACK,
    keep_unknown: Annotated[
        bool, typer.Option("--by-age", help="By their age alone: do not ask GitHub which pull requests are open.")
    ] = False,
) -> None:
    """Take away the platforms that are over their time, or whose pull request is closed."""
    context = StackContext(Project(), base)
    _start_local_cloud(context)
    environments = PreviewEnvironments(context)
    repository = None if keep_unknown else Repository.of_environment()
    count = 0
    for preview, why in environments.sweep(repository.is_open if repository else lambda number: True):
        count += 1
        print(f"{preview.pull_request.stack} is gone: {why}", flush=True)
    print(f"{count} taken away, {len(environments.all())} left")


def _start_local_cloud(context: StackContext) -> None:
    if session := context.session:
        with step("Local cloud: start") as running:
            started = start(session.cloud, Programs.of(session.toolchain), None, 0)
            running.detail = "started" if started else "was running"


def _write(comment: Path | None, text: str) -> None:
    if comment:
        comment.write_text(text)
