"""`overskill previews clean`: the scripts of pull requests that nobody needs any more."""

import asyncio
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app_stacks.cloudflare_api import base_url
from control_plane.broker.refusals import Refused
from control_plane.previews import Previews, Survey
from overskill import control_plane_records
from overskill.control_plane_process import state_folder
from overskill.doctor.github import OFFICIAL_URL
from overskill.errors import CommandError
from overskill.options import Stack
from overskill.project import LOCAL_STACK, Project
from overskill.stack_context import StackContext

previews = typer.Typer(no_args_is_help=True, help="Previews of pull requests.")


@previews.command()
def clean(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be removed, and remove nothing.")] = False,
    stale: Annotated[
        int,
        typer.Option(min=0, help="Also those of open pull requests that were left alone for so many days; 0: none."),
    ] = 0,
    stack: Stack = LOCAL_STACK,
) -> None:
    """Remove the previews of pull requests that are closed. One that is opened again meanwhile stays."""
    asyncio.run(_clean(StackContext(Project(), stack), stale, dry_run=dry_run))


async def _clean(context: StackContext, stale: int, *, dry_run: bool) -> None:
    context.require()
    config, credentials = context.config, context.credentials
    if missing := [name for name in ("CLOUDFLARE_API_TOKEN", "GITHUB_TOKEN") if not credentials.get(name)]:
        raise CommandError(f"not set: {', '.join(missing)}; ./dev doctor --stack {context.stack} says what for")
    if "preview" not in config.overskill.namespaces:
        raise CommandError(f"platform {context.stack} has no app environment preview, and so no previews")
    github = str(config.github.base_url or credentials.get("GITHUB_BASE_URL") or OFFICIAL_URL).rstrip("/")
    with control_plane_records.opened(context.project, context.stack) as database:
        opened = Previews.opened(
            database,
            state_folder(context.project, context.stack),
            account=config.overskill.account_id,
            namespace=config.overskill.namespaces["preview"],
            cloudflare=(base_url(config.cloudflare.base_url, credentials), credentials["CLOUDFLARE_API_TOKEN"]),
            github=(github, credentials["GITHUB_TOKEN"]),
            stale_days=stale,
        )
        async with opened as found:
            try:
                survey = await found.survey()
            except Refused as refused:
                raise CommandError(refused.message) from None
            failed = dict(survey.silent)
            _show(survey)
            if dry_run:
                print(f"{len(survey.garbage)} would be removed")
            else:
                await _remove(found, survey, failed)
    if failed:
        told = "\n".join(f"{what}: {why}" for what, why in failed.items())
        raise CommandError(f"{len(failed)} were left alone; the same command tries them again:\n{told}")


async def _remove(found: Previews, survey: Survey, failed: dict[str, str]) -> None:
    removed = 0
    for preview in survey.garbage:
        try:
            if await found.remove(preview, actor=control_plane_records.actor()):
                removed += 1
            else:
                print(f"{preview.script} stays: its pull request is open again")
        except Refused as refused:
            failed[preview.script] = refused.message
    print(f"{removed} removed")


def _show(survey: Survey) -> None:
    print(f"{survey.scripts} scripts in the namespace of previews, {survey.pull_requests} of them of pull requests")
    if survey.garbage:
        table = Table("script", "pull request", "why", box=None, pad_edge=False)
        for preview in survey.garbage:
            table.add_row(preview.script, f"{preview.repository}#{preview.pull_request}", preview.reason)
        Console(highlight=False).print(table)
    if survey.unknown:
        print(f"of no app that is known here, and left alone: {', '.join(sorted(survey.unknown))}", file=sys.stderr)
