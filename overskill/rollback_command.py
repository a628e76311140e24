"""`overskill app rollback NAME` and `overskill app unpin NAME`: an earlier deploy of an app, live again in seconds."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import typer

from app_stacks.cloudflare_api import base_url
from control_plane import pins
from control_plane.broker.refusals import Refused
from control_plane.rollback import Rollbacks, Wish
from infra.names import AppEnvironment, check_app_id
from overskill import control_plane_records
from overskill.control_plane_process import state_folder
from overskill.errors import CommandError
from overskill.options import Stack
from overskill.progress import duration
from overskill.project import LOCAL_STACK, Project
from overskill.stack_context import StackContext

SECONDS = 120
"""How long the address is waited for."""

Name = Annotated[str, typer.Argument(help="The app id.")]
Environment = Annotated[AppEnvironment, typer.Option(help="The app environment.")]


def rollback(
    name: Name,
    *,
    environment: Environment = "production",
    to: Annotated[
        int | None, typer.Option(help="The number of a deployment. [default: the last good one before what is live]")
    ] = None,
    pin: Annotated[bool, typer.Option("--pin", help="Refuse deploys until ./dev app unpin.")] = False,
    stack: Stack = LOCAL_STACK,
) -> None:
    """Have an app be what an earlier deploy made it, until the next push, and wait until its address serves that."""
    actor = control_plane_records.actor()
    wish = Wish(app_id=check_app_id(name), environment=environment, to=to, pin=pin, actor=actor)
    asyncio.run(_roll_back(StackContext(Project(), stack), wish))


def unpin(name: Name, *, environment: Environment = "production", stack: Stack = LOCAL_STACK) -> None:
    """Have an app's deploys go on that a pinned rollback has stopped."""
    actor = control_plane_records.actor()
    wish = Wish(app_id=check_app_id(name), environment=environment, actor=actor)
    lifted = asyncio.run(_unpin(StackContext(Project(), stack), wish))
    print(f"{name} is {'deployed to again' if lifted else 'not pinned'} in {environment}.")


async def _roll_back(context: StackContext, wish: Wish) -> None:
    began = time.monotonic()
    async with _opened(context) as rollbacks:
        row = await rollbacks.begin(wish)
        print(f"{row.script} is deployment {row.repeats} again, commit {row.commit[:7]}, as deployment {row.id}")
        ended = await rollbacks.finish(row)
        with rollbacks.database.reading() as session:
            pinned = pins.find(session, row.script)
    if ended.status != "succeeded":
        raise CommandError(f"deployment {row.id} was uploaded, and {ended.status}: {ended.error}")
    print(f"live after {duration(time.monotonic() - began)}: {row.url}")
    more = f" --environment {wish.environment}" if wish.environment != "production" else ""
    more += f" --stack {context.stack}" if context.stack != LOCAL_STACK else ""
    keep = f"It stays until ./dev app unpin {wish.app_id}{more}."
    print(keep if pinned else "The next push replaces it; --pin keeps it.")


async def _unpin(context: StackContext, wish: Wish) -> bool:
    async with _opened(context) as rollbacks:
        return await asyncio.to_thread(rollbacks.unpin, wish)


@asynccontextmanager
async def _opened(context: StackContext) -> AsyncIterator[Rollbacks]:
    """Raises `CommandError` for what the control plane refuses."""
    context.require()
    token = context.credentials.get("CLOUDFLARE_API_TOKEN")
    if not token:
        raise CommandError("CLOUDFLARE_API_TOKEN is not set: export one that may edit Workers scripts")
    with control_plane_records.opened(context.project, context.stack) as database:
        opened = Rollbacks.opened(
            database,
            state_folder(context.project, context.stack),
            control_plane_records.bundles(context.project, context.stack),
            account=context.config.overskill.account_id,
            url=base_url(context.config.cloudflare.base_url, context.credentials),
            token=token,
            seconds=SECONDS,
        )
        async with opened as rollbacks:
            try:
                yield rollbacks
            except Refused as refused:
                raise CommandError(refused.message) from None
