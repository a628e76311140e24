"""What the fleet knows of its apps, in a SQLite file of this machine: no listing of stacks is ever needed.

A row is written before a run and after it. So whatever ends a run, the next one sees which apps are under way, and how
many calls of the last hour still count. Without the file, every app is brought up once more, and that is all.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Literal

from overskill.fleet.limits import Calls

SCHEMA = """
CREATE TABLE IF NOT EXISTS apps (
    platform TEXT NOT NULL, app TEXT NOT NULL, stack TEXT NOT NULL, digest TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed')), error TEXT NOT NULL,
    began REAL NOT NULL, ended REAL, PRIMARY KEY (platform, app)
);
CREATE TABLE IF NOT EXISTS calls (
    run INTEGER PRIMARY KEY, cloudflare INTEGER NOT NULL, github INTEGER NOT NULL, content INTEGER NOT NULL, ended REAL
);
"""
FORGET = 3600.0
"""Seconds after which no limit counts a call any more."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An app's last run. `digest` is what it made of the app, or was about to; `stack` has its project before a slash.

    Times are seconds since 1970; `ended` is None for a run that is under way, or was cut short.
    """

    app: str
    stack: str
    digest: str
    state: Literal["running", "done", "failed"]
    error: str
    began: float
    ended: float | None


class Index:
    """Used by one process at a time, from one thread. `clock` gives seconds since 1970."""

    def __init__(self, file: Path, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._database = sqlite3.connect(file, isolation_level=None)
        self._database.row_factory = sqlite3.Row
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.executescript(SCHEMA)

    def close(self) -> None:
        self._database.close()

    def entries(self, platform: str) -> Mapping[str, Entry]:
        """The apps of a platform stack by id."""
        rows = self._database.execute(
            "SELECT app, stack, digest, state, error, began, ended FROM apps WHERE platform = ? ORDER BY app",
            [platform],
        )
        return {row["app"]: Entry(**row) for row in rows}

    def begin(self, platform: str, app: str, stack: str, digest: str, calls: Calls) -> int:
        """An app's run begins; the answer names it to `end`."""
        with self._whole():
            self._database.execute(
                "INSERT OR REPLACE INTO apps VALUES (?, ?, ?, ?, 'running', '', ?, NULL)",
                [platform, app, stack, digest, self._clock()],
            )
            numbers = self._database.execute("INSERT INTO calls VALUES (NULL, ?, ?, ?, NULL)", astuple(calls))
            return int(numbers.lastrowid or 0)

    def end(self, platform: str, app: str, run: int, calls: Calls, error: str = "") -> None:
        """It has ended, with an error or well, after so many calls."""
        with self._whole():
            self._database.execute(
                "UPDATE apps SET state = ?, error = ?, ended = ? WHERE platform = ? AND app = ?",
                ["failed" if error else "done", error, self._clock(), platform, app],
            )
            self._database.execute(
                "UPDATE calls SET cloudflare = ?, github = ?, content = ?, ended = ? WHERE run = ?",
                [*astuple(calls), self._clock(), run],
            )

    def forget(self, platform: str, app: str) -> None:
        """There is no such app any more."""
        self._database.execute("DELETE FROM apps WHERE platform = ? AND app = ?", [platform, app])

    def recent_calls(self) -> list[tuple[float, Calls]]:
        """`(seconds ago, calls)` of the last hour, the oldest first. Those of a run that was cut short count as new."""
        now = self._clock()
        with self._whole():
            self._database.execute("UPDATE calls SET ended = ? WHERE ended IS NULL", [now])
            self._database.execute("DELETE FROM calls WHERE ended <= ?", [now - FORGET])
        rows = self._database.execute("SELECT * FROM calls ORDER BY ended")
        return [
            (now - row["ended"], Calls(cloudflare=row["cloudflare"], github=row["github"], content=row["content"]))
            for row in rows
        ]

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """All of the block's writes, or none."""
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            yield
