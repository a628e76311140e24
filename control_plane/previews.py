"""Previews that nobody needs any more: scripts whose pull request is closed, or was left alone for too long.

A pipeline removes its own preview when its pull request is closed. What stays is of runs that failed or never came.
What may go is looked up in lists; each is looked at once more under its script's lock, as its deploys are.
"""

import asyncio
import datetime as dt
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import sqlalchemy as sa

from control_plane import audit, events, namespace_scripts
from control_plane.broker.broker import TIMEOUT
from control_plane.broker.pull_requests import Pull, PullRequests
from control_plane.broker.refusals import Refused
from control_plane.broker.upstream import Upstream
from control_plane.database import Database
from control_plane.locks import ScriptLocks
from control_plane.settings import locks_folder
from control_plane.state import Plane
from control_plane.tables import App
from infra.names import parse_script

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Preview:
    """The script of an app's pull request, and why it may go."""

    script: str
    app_id: str
    repository: str
    pull_request: int
    reason: str


@dataclass
class Survey:
    """What the namespace holds: `scripts` in all, `pull_requests` among them, of which `garbage` may go.

    `unknown` are of apps that the platform has no record of, or whose pull requests GitHub does not know; `silent` are
    repositories of which GitHub did not tell, and why. Neither is touched.
    """

    scripts: int = 0
    pull_requests: int = 0
    garbage: list[Preview] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    silent: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Previews:
    """Those of one platform, below the `path` of their namespace. `stale`: how long an open pull request may be left
    alone; None: for ever."""

    database: Database
    locks: ScriptLocks
    upstream: Upstream
    pulls: PullRequests
    path: str
    stale: dt.timedelta | None = None

    @classmethod
    @asynccontextmanager
    async def opened(  # noqa: PLR0913 - all that it works with
        cls,
        database: Database,
        state: Path,
        *,
        account: str,
        namespace: str,
        cloudflare: tuple[str, str],
        github: tuple[str, str],
        stale_days: int = 0,
    ) -> AsyncIterator["Previews"]:
        """`cloudflare` and `github`: an API's URL and a token for it. Without `stale_days` only closed ones go."""
        upstream = await asyncio.to_thread(Upstream, *cloudflare)
        async with httpx.AsyncClient(timeout=TIMEOUT) as http:
            try:
                yield cls(
                    database=database,
                    locks=ScriptLocks(database, locks_folder(state)),
                    upstream=upstream,
                    pulls=PullRequests(*github, http),
                    path=namespace_scripts.path_of(account, namespace),
                    stale=dt.timedelta(days=stale_days) if stale_days else None,
                )
            finally:
                await upstream.close()

    @classmethod
    def of(cls, plane: Plane) -> AbstractAsyncContextManager["Previews"]:
        settings = plane.settings
        return cls.opened(
            plane.database,
            settings.state,
            account=settings.platform.account_id,
            namespace=settings.platform.namespaces["preview"],
            cloudflare=(settings.cloudflare_url, settings.cloudflare_api_token.get_secret_value()),
            github=(settings.github_url, settings.github_token.get_secret_value()),
            stale_days=settings.stale_preview_days,
        )

    async def survey(self) -> Survey:
        """One list of scripts, and one of open pull requests for each app that has previews of any."""
        found, by_app = Survey(), defaultdict[str, list[tuple[str, int]]](list)
        for script in await namespace_scripts.names(self.upstream, self.path):
            found.scripts += 1
            named = parse_script(script)
            if named and named.pull_request is not None:
                found.pull_requests += 1
                by_app[named.app_id].append((script, named.pull_request))
        for app_id, scripts in sorted(by_app.items()):
            await self._look(found, app_id, await asyncio.to_thread(self._repository, app_id), scripts)
        return found

    async def remove(self, preview: Preview, *, actor: str) -> bool:
        """Whether it was removed: not if its pull request is open again. Raises `Refused`, and then it is there."""
        async with self.locks.held(preview.script):
            pull = await self.pulls.find(preview.repository, preview.pull_request)
            if pull is None or not (reason := self._reason(pull)):
                return False
            await namespace_scripts.remove(self.upstream, self.path, preview.script)
            await asyncio.to_thread(self._note, preview, reason, actor)
        return True

    def _repository(self, app_id: str) -> str | None:
        with self.database.reading() as session:
            return session.scalar(sa.select(App.repository).where(App.id == app_id))

    async def _look(self, found: Survey, app_id: str, repository: str | None, scripts: list[tuple[str, int]]) -> None:
        try:
            pulls = await self.pulls.all_open(repository) if repository else None
        except Refused as refused:
            found.silent[app_id] = refused.message
            return
        if repository is None or pulls is None:
            found.unknown += [script for script, _ in scripts]
            return
        for script, number in scripts:
            reason = self._reason(pulls[number]) if number in pulls else "closed"
            if reason:
                found.garbage.append(Preview(script, app_id, repository, number, reason))

    def _reason(self, pull: Pull) -> str | None:
        """Why its preview may go."""
        if pull.state == "closed":
            return "closed"
        age = dt.datetime.now(dt.UTC) - pull.updated_at
        return f"stale for {age.days} days" if self.stale is not None and age > self.stale else None

    def _note(self, preview: Preview, reason: str, actor: str) -> None:
        details = {"pull_request": preview.pull_request, "reason": reason}
        with self.database.writing() as session:
            audit.append(session, audit.Deed(actor, "preview.clean", f"script:{preview.script}", details=details))
            events.publish(session, "preview.removed", preview.app_id, script=preview.script)


async def clean(plane: Plane) -> None:
    """Remove what may go, as the platform itself. Raises `Refused` where the previews can't be listed."""
    async with Previews.of(plane) as previews:
        for preview in (await previews.survey()).garbage:
            try:
                await previews.remove(preview, actor="system")
            except Refused as refused:
                log.warning("preview %s stays for now: %s", preview.script, refused.message)
