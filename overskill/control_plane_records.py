"""What commands tell the control plane of the apps that they make: in its database, whether it runs or not."""

import asyncio
import getpass
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy.orm import Session

from app_stacks.cloudflare_api import base_url
from control_plane import apps, remains
from control_plane.apps import Declaration
from control_plane.broker.bundles import Bundles, kept
from control_plane.broker.refusals import Refused
from control_plane.database import Database
from control_plane.migration import migrate
from control_plane.settings import database_url
from infra.config import StackConfig
from overskill.control_plane_process import state_folder
from overskill.errors import CommandError
from overskill.project import Project


def declare(project: Project, stack: str, outputs: Mapping[str, Any]) -> None:
    """An app is as its stack's `outputs` say."""
    with writing(project, stack) as session:
        apps.declare(session, Declaration.model_validate(outputs["declaration"]), actor=actor())


def forget(project: Project, stack: str, config: StackConfig, credentials: Mapping[str, str], app_id: str) -> int:
    """An app of the platform stack is no more; how many scripts went that its own stack did not know.

    Raises `CommandError` where one could not be removed; the app is forgotten then.
    """
    platform, state = config.overskill, state_folder(project, stack)
    with opened(project, stack) as database:
        with database.writing() as session:
            apps.forget(session, app_id, actor=actor())
        removing = remains.remove(
            app_id,
            database,
            state,
            account=platform.account_id,
            namespaces=platform.namespaces,
            cloudflare=(base_url(config.cloudflare.base_url, credentials), credentials["CLOUDFLARE_API_TOKEN"]),
            actor=actor(),
        )
        try:
            return len(asyncio.run(removing))
        except Refused as refused:
            told = f"scripts of app {app_id} are left, such as previews: {refused.message}"
            raise CommandError(f"{told}; the same command goes on") from None


def actor() -> str:
    """Whoever runs this command, as the audit has it: `command:anna`."""
    return f"command:{getpass.getuser()}"


@contextmanager
def opened(project: Project, stack: str) -> Iterator[Database]:
    """The database of the control plane of a platform stack, made where there is none."""
    state = state_folder(project, stack)
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(database_url(os.environ.get("OVERSKILL_DATABASE_URL", ""), state))
    try:
        migrate(database)
        yield database
    finally:
        database.close()


def bundles(project: Project, stack: str) -> Bundles:
    """The bundles of the control plane of a platform stack."""
    return kept(os.environ.get("OVERSKILL_BUNDLES", ""), state_folder(project, stack))


@contextmanager
def writing(project: Project, stack: str) -> Iterator[Session]:
    """A transaction on it."""
    with opened(project, stack) as database, database.writing() as session:
        yield session
