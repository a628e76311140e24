"""One writer of a script at a time, in whichever process or server: a deploy, a rollback, a rebuild, a removal.

The lock is the kernel's on a file beside a SQLite database, and PostgreSQL's own beyond one machine: it ends with its
holder, however that ends.
"""

import asyncio
import fcntl
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

import sqlalchemy as sa

from control_plane.database import Database

POLL = 0.05
"""Seconds between two tries. Whoever waits occupies no thread: the holder may need one to come to its end."""


class ScriptLocks:
    """Those of one platform: its database's, or, beside SQLite, in a `folder` that its processes share."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._folder = folder
        self._engine = None if database.is_sqlite else _unpooled(database)

    @asynccontextmanager
    async def held(self, script: str) -> AsyncIterator[None]:
        """Wait for the lock of `script`, and hold it around the block. It is not reentrant."""
        if self._engine is None:
            with self._file(script) as file:
                while not _locked(file):
                    await asyncio.sleep(POLL)
                yield
            return
        connection = await asyncio.to_thread(self._engine.connect)
        try:
            asked = sa.select(sa.func.pg_try_advisory_lock(_number(script)))
            while not await asyncio.to_thread(connection.scalar, asked):
                await asyncio.sleep(POLL)
            yield
        finally:
            await asyncio.shield(asyncio.to_thread(connection.close))

    @contextmanager
    def _file(self, script: str) -> Iterator[IO[str]]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / script).open("a") as file:
            yield file


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unpooled(database: Database) -> sa.Engine:
    """A connection for each lock, which goes with it: a pool's would be gone while the holders need others."""
    url = database.engine.url
    return sa.create_engine(url, poolclass=sa.pool.NullPool, isolation_level="AUTOCOMMIT")


def _number(script: str) -> int:
    digest = hashlib.sha256(f"script:{script}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)
