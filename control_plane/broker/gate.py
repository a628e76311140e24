"""Who may pass: the run that calls, and the script that the call may be about."""

import asyncio
from typing import Literal

import httpx
import sqlalchemy as sa
from fastapi import Request

from control_plane import pins
from control_plane.apps import Declaration
from control_plane.broker import permission
from control_plane.broker.attempts import Attempt
from control_plane.broker.calls import Call
from control_plane.broker.identity import Issuer, Run
from control_plane.broker.permission import Target
from control_plane.broker.pull_requests import PullRequests
from control_plane.broker.refusals import Refused
from control_plane.database import Database
from control_plane.settings import Settings
from control_plane.tables import App

State = Literal["open", "closed"]
"""Of a pull request."""


class Gate:
    """Each method raises `Refused`, and leaves with the attempt what is known by then."""

    def __init__(self, settings: Settings, database: Database, http: httpx.AsyncClient) -> None:
        self._platform, self._database = settings.platform, database
        self._issuer = Issuer(settings.oidc_issuer, http)
        self._pull_requests = PullRequests(settings.github_url, settings.github_token.get_secret_value(), http)

    async def deploy(self, request: Request, call: Call, attempt: Attempt) -> tuple[Run, Target]:
        run, declaration = await self._caller(request, attempt)
        target = permission.target(run, declaration, self._platform)
        permission.check_path(call, target, self._platform)
        await self._check(run, target, "open")
        return run, target

    async def removal(self, request: Request, call: Call, attempt: Attempt) -> tuple[Run, Target]:
        run, declaration = await self._caller(request, attempt)
        target = permission.removable(run, declaration, self._platform, str(call.script))
        permission.check_path(call, target, self._platform)
        await self._check(run, target, "closed")
        return run, target

    async def still(self, run: Run, target: Target, state: State) -> Target:
        """Once more, by whoever holds the script's lock: all of it may change while an upload comes in, or waits.

        The target is as the app is declared now; nothing is sent by the one of before.
        """
        target = await self.anew(run, target)
        await self._check(run, target, state)
        return target

    async def anew(self, run: Run, target: Target) -> Target:
        """The target as the app is declared now; refused where it is no more."""
        declaration = await self._declaration(run)
        if declaration.app_id != target.app_id:
            raise Refused(403, f"{run.repository} is no longer the repository of app {target.app_id}")
        return permission.script_of(declaration, target.environment, target.pull_request)

    async def _caller(self, request: Request, attempt: Attempt) -> tuple[Run, Declaration]:
        run = await self._issuer.run(bearer(request))
        attempt.is_by(run)
        declaration = await self._declaration(run)
        attempt.who = declaration.app_id
        return run, declaration

    async def _declaration(self, run: Run) -> Declaration:
        declaration = await asyncio.to_thread(self._declared, run.repository_id)
        if declaration is None:
            raise Refused(403, f"{run.repository} ({run.repository_id}) is no app's repository")
        return declaration

    def _pinned(self, script: str) -> str | None:
        with self._database.reading() as session:
            return pins.refusal(session, script)

    def _declared(self, repository_id: int) -> Declaration | None:
        with self._database.reading() as session:
            app = session.scalar(sa.select(App).where(App.repository_id == repository_id))
        return app and Declaration.model_validate(app.declared)

    async def _check(self, run: Run, target: Target, state: State) -> None:
        """That the script's pull request is in `state`, and that a script which has to be "open" has no pin."""
        if state == "open" and (pinned := await asyncio.to_thread(self._pinned, target.script)):
            raise Refused(409, pinned)
        if target.pull_request is not None:
            await self._pull_requests.check(run.repository, run.repository_id, target.pull_request, state)


def bearer(request: Request) -> str:
    """The token of a call. Raises `Refused` (401) without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(401, "the API token is missing: set CLOUDFLARE_API_TOKEN to the run's identity token")
    return token
