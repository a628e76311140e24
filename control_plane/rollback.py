"""An app's script as it was: a kept bundle uploaded again, recorded as a deployment of its own.

It holds until the next push, or, pinned, until the pin is lifted. It is one upload under the script's lock, as each
deploy is: whoever comes second is what the script is, and no script is ever of both.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session

from control_plane import audit, deployments, pins, repeats, served
from control_plane.apps import Declaration
from control_plane.broker import permission
from control_plane.broker.bundles import Bundles, opened
from control_plane.broker.kept import Uploader
from control_plane.broker.permission import Target
from control_plane.broker.refusals import Refused
from control_plane.broker.upstream import Upstream
from control_plane.database import Database
from control_plane.deployments import Status
from control_plane.locks import ScriptLocks
from control_plane.settings import locks_folder
from control_plane.state import Plane
from control_plane.tables import App, Deployment
from infra.names import AppEnvironment

SHOWN = 5
"""Deployments that a message names."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """`to`: the deployment to go back to; None for the last good one before what is live. `actor`, `origin`: the
    audit's."""

    app_id: str
    environment: AppEnvironment = "production"
    to: int | None = None
    pin: bool = False
    actor: str
    origin: str | None = None


@dataclass(frozen=True, kw_only=True)
class Rollbacks:
    """Those of one platform. What can't be done raises `Refused`, which says why and what can."""

    database: Database
    uploader: Uploader
    locks: ScriptLocks
    seconds: float
    """How long an address is waited for."""

    @classmethod
    @asynccontextmanager
    async def opened(  # noqa: PLR0913 - all that it works with
        cls, database: Database, state: Path, bundles: Bundles, *, account: str, url: str, token: str, seconds: float
    ) -> AsyncIterator["Rollbacks"]:
        """`state` is the control plane's folder; `account`, `url` and `token` are Cloudflare's."""
        upstream = await asyncio.to_thread(Upstream, url, token)
        try:
            yield cls(
                database=database,
                uploader=Uploader(account=account, upstream=upstream, bundles=bundles),
                locks=ScriptLocks(database, locks_folder(state)),
                seconds=seconds,
            )
        finally:
            await upstream.close()

    @classmethod
    def of(cls, plane: Plane) -> AbstractAsyncContextManager["Rollbacks"]:
        settings = plane.settings
        return cls.opened(
            plane.database,
            settings.state,
            opened(settings),
            account=settings.platform.account_id,
            url=settings.cloudflare_url,
            token=settings.cloudflare_api_token.get_secret_value(),
            seconds=settings.probe_seconds,
        )

    async def begin(self, wish: Wish) -> Deployment:
        """Upload it; the deployment, which is `uploaded`."""
        script = (await asyncio.to_thread(self._target, wish)).script
        async with self.locks.held(script):
            target = await asyncio.to_thread(self._target, wish)
            chosen = await asyncio.to_thread(self._chosen, target, wish.to)
            try:
                await self.uploader.put(target, str(chosen.bundle))
            except Refused as refused:
                await asyncio.to_thread(self._note, wish, target, chosen, refused)
                raise
            return await asyncio.to_thread(self._record, wish, target, chosen)

    async def finish(self, row: Deployment) -> Deployment:
        """Look until the address serves it; the deployment, which has `succeeded` or `failed`.

        It is `cancelled` where another one has come after it.
        """
        still = partial(self._is_live, row)
        seen = await served.until_served(self.uploader.bundles, str(row.bundle), str(row.url), self.seconds, still)
        return await asyncio.to_thread(self._end, row, seen.problem)

    def unpin(self, wish: Wish) -> bool:
        """Have deploys go on; whether there was a pin."""
        target = self._target(wish)
        with self.database.writing() as session:
            return pins.lift(session, target.script, actor=wish.actor, origin=wish.origin)

    def _target(self, wish: Wish) -> Target:
        with self.database.reading() as session:
            app = session.get(App, wish.app_id)
        if app is None:
            raise Refused(404, f"there is no app {wish.app_id}")
        return permission.script_of(Declaration.model_validate(app.declared), wish.environment, None)

    def _chosen(self, target: Target, to: int | None) -> Deployment:
        with self.database.reading() as session:
            return chosen(deployments.uploads(session, target.script), target.script, to)

    def _record(self, wish: Wish, target: Target, chosen: Deployment) -> Deployment:
        with self.database.writing() as session:
            row = repeats.begun(session, target, chosen, source="rollback", actor=wish.actor, repeats=chosen.id)
            if row is None:
                raise Refused(404, f"app {target.app_id} was removed meanwhile")
            if wish.pin or pins.find(session, target.script):
                pins.put(session, row, wish.actor)
            self._deed(session, wish, target, chosen, None)
            return row

    def _note(self, wish: Wish, target: Target, chosen: Deployment, refused: Refused) -> None:
        with self.database.writing() as session:
            self._deed(session, wish, target, chosen, refused)

    @staticmethod
    def _deed(session: Session, wish: Wish, target: Target, chosen: Deployment, refused: Refused | None) -> None:
        details = {"to": chosen.id, "commit": chosen.commit, "bundle": chosen.bundle, "pin": wish.pin}
        told = {"error": refused.message} if refused else {}
        result: audit.Result = "failed" if refused else "ok"
        subject = f"script:{target.script}"
        audit.append(
            session, audit.Deed(wish.actor, "deploy.rollback", subject, result, wish.origin, {**details, **told})
        )

    def _is_live(self, row: Deployment) -> bool:
        with self.database.reading() as session:
            last = next(iter(deployments.uploads(session, row.script)), None)
        return last is not None and last.id == row.id

    def _end(self, row: Deployment, problem: str | None) -> Deployment:
        status: Status = "failed" if problem else "succeeded"
        if problem and not self._is_live(row):
            status, problem = "cancelled", "another deploy came after it"
        with self.database.writing() as session:
            ended = repeats.ended(session, row, status, problem)
        if ended is None:
            raise Refused(404, f"app {row.app_id} was removed meanwhile")
        return ended


def earlier(uploads: Sequence[Deployment]) -> list[Deployment]:
    """What can be gone back to, the last one first: kept, of the pipeline, and before what is live by its code.

    What a rollback has left is before it too: a second one goes further back, never forth again.
    """
    if not uploads:
        return []
    by_id = {row.id: row for row in uploads}
    live = uploads[0]
    while live.repeats in by_id:
        live = by_id[live.repeats]
    place = next(number for number, row in enumerate(uploads) if row.id == live.id)
    return [
        row for row in uploads[place + 1 :] if row.bundle and row.source == "pipeline" and row.bundle != live.bundle
    ]


def chosen(uploads: Sequence[Deployment], script: str, to: int | None) -> Deployment:
    """The deployment to go back to. Raises `Refused`, with those that there are."""
    kept = [row for row in uploads if row.bundle]
    if to is not None:
        for row in kept:
            if row.id == to:
                return row
        raise Refused(404, f"deployment {to} is none of {script} whose bundle is kept: {_told(kept)}")
    for row in earlier(uploads):
        if row.status not in ("failed", "cancelled"):
            return row
    live = f"deployment {uploads[0].id} is live" if uploads else "nothing was deployed"
    raise Refused(409, f"{script} has no good deploy before what is live ({live}) whose bundle is kept: {_told(kept)}")


def _told(kept: Sequence[Deployment]) -> str:
    named = ", ".join(
        f"{row.id} ({row.commit[:7]}, {row.status}, {row.created_at:%Y-%m-%d %H:%M})" for row in kept[:SHOWN]
    )
    return f"kept are {named}" if named else "none is kept; only deploys through the platform are"
