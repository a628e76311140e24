"""The durable workflows, step by step.

What a step does may be done again after a stop, so each is idempotent; that it has ended is kept, and then it is not
begun again. None raises: a step's result says why it has failed, and what it made is undone by a step of its own. A
database that is away is waited for, with the step's deadline going on.
"""

import asyncio
import datetime as dt
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import sqlalchemy as sa

from control_plane import apps, remains
from control_plane.app_states import AppStates
from control_plane.provisioning import probe, records
from control_plane.provisioning.request import AppRequest
from control_plane.state import Builder, Plane
from control_plane.tables import App, Deployment, Provision

logger = logging.getLogger(__name__)

POLL = 1.0
PAUSES = (5.0, 20.0)
UNDO_PAUSES = (5.0, 30.0, 120.0, 600.0)
"""Seconds before each further attempt at what the engine does."""

AWAY = (sa.exc.OperationalError, sa.exc.TimeoutError)
"""The database does not answer: what is raised then says nothing of the step in which it is."""
AWAY_PAUSE = 5.0

SHOWN = 2000
"""Characters of an error that are kept."""

T = TypeVar("T")

Step = Callable[[Provision], None]
RunStep = Callable[[str, Callable[[], str | None]], str | None]
"""Runs a function once, by its name, and keeps what it returned."""


class Failed(Exception):
    """A step has failed for good; the message says why."""


class Cancelled(Exception):
    """Somebody has asked for the provision's end."""


class Stopping(BaseException):
    """The server stops in the middle of a step, of which nothing is kept: it runs again with the next start."""


class Workflows:
    """Those of one server. `stopping` ends whatever waits."""

    def __init__(self, plane: Plane, builder: Builder, run: RunStep) -> None:
        self.stopping = threading.Event()
        self._plane, self._builder, self._run = plane, builder, run
        self._engines = threading.BoundedSemaphore(plane.settings.engines)

    def carry_out(self, provision_id: str) -> None:
        """The whole workflow. Which one it is, and with which steps, is said by what never changes of the row."""
        provision = self._outlasting(partial(self._row, provision_id))
        steps = self._removal if provision.action == "destroy" else self._making(provision)
        for name, step, pauses in steps:
            attempt = partial(self._attempt, provision_id, name, step, pauses)
            problem = self._run(name, partial(self._outlasting, attempt))
            if problem is not None:
                self._run("undo", partial(self._outlasting, partial(self._give_up, provision_id, problem)))
                return

    def _outlasting(self, does: Callable[[], T]) -> T:
        """What `does` returns, begun again as long as the database is away: that is no failure, and undoes nothing."""
        while True:
            try:
                return does()
            except AWAY as error:
                logger.warning("the database does not answer, and a provision waits for it: %s", error)
            self._pause(AWAY_PAUSE)

    def _making(self, provision: Provision) -> Sequence[tuple[str, Step, Sequence[float]]]:
        deploy: list[tuple[str, Step, Sequence[float]]] = [("deploy", self._await_deploy, ())]
        return [
            ("quota", self._check_quota, ()),
            ("stack", self._create, PAUSES),
            *(deploy if AppRequest.model_validate(provision.request).first_deploy else []),
            ("probe", self._probe, ()),
            ("ready", self._ready, ()),
        ]

    @property
    def _removal(self) -> Sequence[tuple[str, Step, Sequence[float]]]:
        return [("stack", self._destroy, UNDO_PAUSES), ("forget", self._forget, PAUSES)]

    def _attempt(self, provision_id: str, name: str, step: Step, pauses: Sequence[float]) -> str | None:
        """Why a step has failed after so many attempts, or None."""
        try:
            with self._plane.database.writing() as session:
                provision = records.get(session, provision_id)
                if provision.status == "cancelling":
                    raise Cancelled
                records.enter(session, provision, name)
            return self._again(provision, name, step, pauses)
        except (Failed, Cancelled) as problem:
            return str(problem)

    def _again(self, provision: Provision, name: str, step: Step, pauses: Sequence[float]) -> str | None:
        for pause in (*pauses, None):
            try:
                step(provision)
                return None
            except (Failed, Cancelled, *AWAY):
                raise
            except Exception as error:
                logger.exception("step %s of provision %s of app %s failed", name, provision.id, provision.app_id)
                if pause is None:
                    raise Failed(f"{name}: {str(error)[:SHOWN] or type(error).__name__}") from None
            self._wait(provision, pause)
        return None

    def _give_up(self, provision_id: str, problem: str) -> None:
        """The compensation: what was made goes, unless it shall be kept."""
        provision = self._row(provision_id)
        cancelled = provision.status == "cancelling"
        began = provision.action == "create" and "stack" in provision.steps
        if began and (cancelled or not AppRequest.model_validate(provision.request).keep):
            problem = self._undo(provision, problem)
        with self._plane.database.writing() as session:
            row = records.get(session, provision_id)
            records.end(session, row, "cancelled" if cancelled and not problem else "failed", problem or None)

    def _undo(self, provision: Provision, problem: str) -> str:
        """`problem`, and what it leaves behind, if anything."""
        with self._plane.database.writing() as session:
            records.enter(session, records.get(session, provision.id), "undo")
        for pause in (*UNDO_PAUSES, None):
            try:
                self._destroy(provision)
                self._forget_app(provision)
                return problem
            except AWAY:
                raise
            except Exception as error:
                logger.exception("app %s of provision %s can't be removed", provision.app_id, provision.id)
                if pause is None:
                    told = f"{records.LEFT}: {str(error)[:SHOWN]}; DELETE /api/apps/{provision.app_id}"
                    return f"{problem}; {told}" if problem else told
            self._pause(pause)
        return problem

    def _check_quota(self, provision: Provision) -> None:
        with self._plane.database.reading() as session:
            limit = self._plane.settings.apps_per_customer
            if problem := records.over_quota(session, provision.customer, limit, provision.app_id):
                raise Failed(f"quota: {problem}")

    def _create(self, provision: Provision) -> None:
        request = AppRequest.model_validate(provision.request)
        with self._engine(provision):
            declaration = self._builder.create(provision.app_id, request.options(self._plane.settings.platform))
        with self._plane.database.writing() as session:
            apps.declare(session, declaration, actor=provision.actor, customer=provision.customer)

    def _await_deploy(self, provision: Provision) -> None:
        production = (Deployment.app_id == provision.app_id, Deployment.environment == "production")
        newest = sa.select(Deployment).where(*production).order_by(Deployment.updated_at.desc()).limit(1)
        seconds = self._plane.settings.first_deploy_seconds
        for last in self._until(provision, "deploy", seconds):
            with self._plane.database.reading() as session:
                if session.scalar(sa.select(sa.exists().where(*production, Deployment.status == "succeeded"))):
                    return
                found = session.scalar(newest) if last else None
        told = f"; the last one: {found.status} {found.error or ''}".rstrip() if found else ""
        raise Failed(f"deploy: nothing was deployed to production within {seconds} s{told}")

    def _probe(self, provision: Provision) -> None:
        request = AppRequest.model_validate(provision.request)
        with self._plane.database.reading() as session:
            declared = apps.Declaration.model_validate(session.get_one(App, provision.app_id).declared)
        url = declared.places["production"].url.rstrip("/") + request.probe_path
        seconds, told = self._plane.settings.probe_seconds, None
        for _ in self._until(provision, "probe", seconds):
            if (told := probe.failure(url)) is None:
                return
        raise Failed(f"probe: no good answer within {seconds} s: {told}")

    def _ready(self, provision: Provision) -> None:
        with self._plane.database.writing() as session:
            row = records.get(session, provision.id)
            if row.status == "cancelling":
                raise Cancelled
            records.end(session, row, "ready")

    def _destroy(self, provision: Provision) -> None:
        with self._engine(None):
            self._builder.destroy(provision.app_id)

    def _forget(self, provision: Provision) -> None:
        self._forget_app(provision)
        with self._plane.database.writing() as session:
            records.end(session, records.get(session, provision.id), "destroyed")

    def _forget_app(self, provision: Provision) -> None:
        """With the scripts that it has left, and what operators have set on it: another app of its name would have
        both. The latter goes last, since a suspended app's scripts are not served."""
        plane, settings = self._plane, self._plane.settings
        with plane.database.writing() as session:
            apps.forget(session, provision.app_id, actor=provision.actor)
        removing = remains.remove(
            provision.app_id,
            plane.database,
            settings.state,
            account=settings.platform.account_id,
            namespaces=settings.platform.namespaces,
            cloudflare=(settings.cloudflare_url, settings.cloudflare_api_token.get_secret_value()),
            actor=provision.actor,
        )
        asyncio.run(removing)
        with AppStates.of(plane) as states:
            states.store.clear_state(provision.app_id)

    @contextmanager
    def _engine(self, provision: Provision | None) -> Iterator[None]:
        """One of the engines; with a `provision`, its end is heeded while there is none."""
        while not self._engines.acquire(timeout=POLL):
            self._heed(provision)
        try:
            yield
        finally:
            self._engines.release()

    def _until(self, provision: Provision, step: str, seconds: float) -> Iterator[bool]:
        """Again and again for so long since the step has begun, whatever stopped it; True for the last time."""
        with self._plane.database.reading() as session:
            began = dt.datetime.fromisoformat(records.get(session, provision.id).steps[step])
        while (left := (began - dt.datetime.now(dt.UTC)).total_seconds() + seconds) > 0:
            yield False
            self._wait(provision, min(POLL, left))
        yield True

    def _wait(self, provision: Provision, seconds: float) -> None:
        """Raises `Cancelled` and `Stopping`."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._heed(provision)
            self._pause(min(POLL, left))

    def _heed(self, provision: Provision | None) -> None:
        if self.stopping.is_set():
            raise Stopping
        if provision and self._row(provision.id).status == "cancelling":
            raise Cancelled

    def _pause(self, seconds: float) -> None:
        if self.stopping.wait(seconds):
            raise Stopping

    def _row(self, provision_id: str) -> Provision:
        with self._plane.database.reading() as session:
            return records.get(session, provision_id)
