"""`overskill rebuild`: a platform's scripts made again, in its own namespaces or in another platform's."""

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app_stacks.cloudflare_api import base_url
from control_plane.app_store import AppStore
from control_plane.broker.bucket import Bucket
from control_plane.broker.bundles import Bundles, Folder
from control_plane.broker.kept import Uploader
from control_plane.broker.upstream import Upstream
from control_plane.database import Database
from control_plane.locks import ScriptLocks
from control_plane.rebuilding import Rebuilder
from control_plane.settings import locks_folder
from infra.outputs import PlatformOutputs
from overskill import control_plane_records
from overskill.control_plane_process import state_folder
from overskill.errors import CommandError
from overskill.fleet.budget import Budget
from overskill.fleet.platform import Platform
from overskill.fleet.table import Progress
from overskill.project import Project
from overskill.rebuild.journal import Journal
from overskill.rebuild.run import Plan, Run
from overskill.rebuild.secrets import SecretTexts

SHARED = {"OVERSKILL_BUNDLES", "OVERSKILL_DATABASE_URL", "OVERSKILL_STATE"}
WORKERS = 8
SECONDS = 60
"""How long an app's address is waited for."""


def rebuild(  # noqa: PLR0913 - an option each
    *,
    into: Annotated[str, typer.Option(help="The platform stack whose namespaces get the scripts; it has to be up.")],
    stack: Annotated[str | None, typer.Option(help="Where the apps come from. [default: the same]")] = None,
    records: Annotated[
        str, typer.Option(help="The database of the records that they come from. [default: of their control plane]")
    ] = "",
    bundles: Annotated[
        str, typer.Option(help="The folder or bucket of their bundles. [default: of their control plane]")
    ] = "",
    apps: Annotated[list[str] | None, typer.Option(help="One of the apps; repeatable. [default: all]")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be made, and make nothing.")] = False,
    anew: Annotated[bool, typer.Option("--anew", help="Make those too that an unfinished rebuild has made.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    workers: Annotated[int, typer.Option(min=1, help="Scripts at once.")] = WORKERS,
) -> None:
    """Make the scripts of a platform again from kept bundles, declarations and secrets; each has to serve its own.

    The same command goes on where an earlier one was stopped. Exits with 1 if a script has failed.
    """
    project = Project()
    platform = Platform.of(project, into)
    source = stack or into
    with _opened(platform, source, records, bundles) as rebuilder:
        outputs = PlatformOutputs.model_validate(platform.outputs)
        plan = Plan.of(rebuilder, outputs, project.stack_config(source).overskill.account_id, apps or [])
        journal = Journal(state_folder(project, into), anew=anew)
        texts = SecretTexts(partial(_platform, platform, source))
        run = Run(rebuilder, plan, journal, texts.of, into)
        if dry_run:
            _show_plan(run, plan)
            return
        with _store(platform, outputs) as store:
            run.restore_states(store)
        whole = asyncio.run(_carry_out(rebuilder, run, Budget(platform.limits), workers))
    if as_json:
        print(json.dumps(run.report.as_json(), indent=2))
    else:
        run.report.show(Console(highlight=False))
    if not whole:
        raise CommandError(f"{len(run.report.failed)} scripts failed; the same command tries them again")


async def _carry_out(rebuilder: Rebuilder, run: Run, budget: Budget, workers: int) -> bool:
    progress = Progress(run.schedule, budget, workers, "the uploads")
    try:
        return await progress.follow(asyncio.create_task(run.carry_out(budget, workers, progress.told)))
    finally:
        await rebuilder.uploader.upstream.close()


@contextmanager
def _opened(platform: Platform, source: str, records: str, bundles: str) -> Iterator[Rebuilder]:
    """Between the records and bundles of both platforms, which may be one. Raises `CommandError` where they can't be
    told apart."""
    project, into = platform.project, platform.stack
    folder = state_folder(project, into)
    with ExitStack() as stack:
        database = stack.enter_context(control_plane_records.opened(project, into))
        own = control_plane_records.bundles(project, into)
        theirs = database
        if records:
            theirs = stack.enter_context(closing(Database(records)))
        elif source != into and (shared := SHARED & os.environ.keys()):
            raise CommandError(
                f"{' and '.join(sorted(shared))} say where one control plane has its records, that of {into}: "
                f"tell where those of {source} are by --records and --bundles"
            )
        elif source != into:
            theirs = stack.enter_context(control_plane_records.opened(project, source))
        theirs_kept = own
        if bundles:
            theirs_kept = Bundles(Bucket(bundles) if bundles.startswith("s3://") else Folder(Path(bundles)))
        elif source != into:
            theirs_kept = control_plane_records.bundles(project, source)
        token = platform.environment["CLOUDFLARE_API_TOKEN"]
        yield Rebuilder(
            database=database,
            uploader=Uploader(
                account=platform.outputs["accountId"], upstream=Upstream(_url(platform), token), bundles=own
            ),
            locks=ScriptLocks(database, locks_folder(folder)),
            source=theirs,
            bundles=theirs_kept,
            seconds=SECONDS,
            actor=control_plane_records.actor(),
        )


def _store(platform: Platform, outputs: PlatformOutputs) -> AppStore:
    token = platform.environment["CLOUDFLARE_API_TOKEN"]
    return AppStore(token, _url(platform), outputs.account_id, f"of {platform.stack}", outputs.app_store)


def _url(platform: Platform) -> str:
    return base_url(platform.config.cloudflare.base_url, platform.environment)


def _platform(into: Platform, source: str) -> Platform:
    return into if source == into.stack else Platform.of(into.project, source)


def _show_plan(run: Run, plan: Plan) -> None:
    for job in run.schedule.waiting:
        print(f"rebuild  {job.app_id}")
    print(f"{len(run.schedule.waiting)} scripts of {len(plan.apps)} apps, {run.report.before} were made before")
    for miss in plan.misses:
        print(f"misses   {miss.script}: {miss.what}: {miss.mend}")
