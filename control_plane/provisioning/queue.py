"""The queue of provisions: DBOS's, in a SQLite file or in the control plane's PostgreSQL, where servers share it.

A server that is killed takes up its own again at its next start. On PostgreSQL another one does before that: each has
a lock there as long as its connection lives, and whoever can take the lock of another one knows that it is dead.
"""

import asyncio
import datetime as dt
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig

from control_plane.database import Database
from control_plane.provisioning import records
from control_plane.provisioning.workflow import Workflows
from control_plane.state import Plane
from control_plane.tables import Provision

logger = logging.getLogger(__name__)

QUEUE, WORKFLOW = "provisions", "provision"
VERSION = "1"
"""Of the workflow's steps. Those under way go on under the same version alone: another one for other steps, once there
are none."""

AT_ONCE = 100
"""Provisions under way in one server; most of them wait."""

TEND_SECONDS = 5.0
LIVE = "live:"
"""Before a server's name, in its lock's."""


def enqueue(provision_id: str) -> None:
    """Have a provision carried out; one that is in the queue, or was, stays as it is."""
    options = {"workflow_name": WORKFLOW, "queue_name": QUEUE, "workflow_id": provision_id, "app_version": VERSION}
    DBOS.enqueue_workflow_with_options(options, provision_id)


@asynccontextmanager
async def running(plane: Plane) -> AsyncIterator[None]:
    """Work the queue off; nothing without anybody who runs the engine."""
    if plane.builder is None:
        yield
        return
    server = Server(plane)
    await asyncio.to_thread(server.start)
    tending = asyncio.create_task(server.tend())
    try:
        yield
    finally:
        tending.cancel()
        with suppress(asyncio.CancelledError):
            await tending
        await asyncio.to_thread(server.stop)


class Server:
    """What works the queue off in this process."""

    def __init__(self, plane: Plane) -> None:
        assert plane.builder is not None  # noqa: S101 - `running` has looked
        self._plane = plane
        self._workflows = Workflows(plane, plane.builder, lambda name, step: DBOS.run_step({"name": name}, step))
        self._life = None if plane.database.is_sqlite else Life(plane.database, uuid.uuid4().hex)

    def start(self) -> None:
        DBOS(config=self._config())

        @DBOS.workflow(name=WORKFLOW)
        def provision(provision_id: str) -> None:
            self._workflows.carry_out(provision_id)

        if self._life:
            self._life.hold()
        DBOS.launch()
        DBOS.register_queue(QUEUE, worker_concurrency=AT_ONCE)
        self._take_up(dt.timedelta())

    def stop(self) -> None:
        self._workflows.stopping.set()
        DBOS.destroy(destroy_registry=True)
        if self._life:
            self._life.end()

    async def tend(self) -> None:
        """Look after what others have left, for ever."""
        while True:
            await asyncio.sleep(TEND_SECONDS)
            try:
                await asyncio.to_thread(self._look)
            except Exception:
                logger.exception("the queue of provisions can't be looked after; the next attempt follows")

    def _look(self) -> None:
        if self._life:
            self._life.hold()
            self._life.take_over()
        self._take_up(dt.timedelta(seconds=TEND_SECONDS))

    def _config(self) -> DBOSConfig:
        database = self._plane.database
        return DBOSConfig(
            name="overskill",
            system_database_url=f"sqlite:///{self._plane.settings.state / 'workflows.db'}"
            if database.is_sqlite
            else self._plane.settings.database,
            application_version=VERSION,
            executor_id=self._life.name if self._life else "local",
            enable_otlp=False,
            console_log_level="WARNING",
        )

    def _take_up(self, age: dt.timedelta) -> None:
        """What was accepted and never came into the queue gets there; what ended there has ended here."""
        with self._plane.database.reading() as session:
            open_ = sa.select(Provision.id).where(
                Provision.status.not_in(records.ENDS), Provision.created_at <= dt.datetime.now(dt.UTC) - age
            )
            ids = list(session.scalars(open_))
        known = {each.workflow_id: each.status for each in DBOS.list_workflows(workflow_ids=ids)} if ids else {}
        for provision_id in ids:
            status = known.get(provision_id)
            if status is None:
                enqueue(provision_id)
            elif status not in ("PENDING", "ENQUEUED", "DELAYED"):
                with self._plane.database.writing() as session:
                    problem = f"its workflow has ended with {status}: the control plane's log says why"
                    records.end(session, records.get(session, provision_id), "failed", problem)


class Life:
    """A server's lock on PostgreSQL, and what is done with those of the dead."""

    def __init__(self, database: Database, name: str) -> None:
        self.name = name
        self._engine = database.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._connection: sa.Connection | None = None
        self._suspects: set[str] = set()

    def hold(self) -> None:
        """Take the lock, or look whether it is still held: with its connection it goes."""
        try:
            if self._connection is not None:
                self._connection.execute(sa.select(1))
                return
        except sa.exc.DBAPIError:
            self._connection.invalidate()
            self._connection.close()
        self._connection = self._engine.connect()
        self._connection.execute(sa.select(sa.func.pg_advisory_lock(_key(self.name))))

    def end(self) -> None:
        if self._connection is not None:
            self._connection.detach()  # the pool would keep it, and the lock with it
            self._connection.close()
            self._connection = None

    def take_over(self) -> None:
        """Have the provisions of dead servers go on here. One is dead if it was so the last time too: a database that
        was started anew has taken everybody's lock."""
        pending = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        others = {each.executor_id for each in pending if each.executor_id not in (None, self.name)}
        dead = set()
        for name in others:
            with self._engine.connect() as connection:
                if not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_key(name)))):
                    continue
                try:
                    dead.add(name)
                    if name in self._suspects:
                        self._resume(name)
                finally:
                    connection.execute(sa.select(sa.func.pg_advisory_unlock(_key(name))))
        self._suspects = dead

    @staticmethod
    def _resume(name: str) -> None:
        """While its lock is ours: nobody else resumes them, and they are looked up anew."""
        left = DBOS.list_workflows(status="PENDING", executor_id=name, load_input=False, load_output=False)
        if ids := [each.workflow_id for each in left]:
            logger.warning("server %s is gone: %d provisions go on here", name, len(ids))
            DBOS.resume_workflows(ids, queue_name=QUEUE)


def _key(name: str) -> sa.ColumnElement[int]:
    return sa.func.hashtextextended(f"{LIVE}{name}", 0)
