"""What earlier sweeps have seen, in a SQLite file of this machine. Without it, every app is looked at once more."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from overskill.drift.lists import Script
from overskill.drift.look import Details

SCHEMA = """
CREATE TABLE IF NOT EXISTS scripts (
    namespace TEXT NOT NULL, name TEXT NOT NULL, modified TEXT NOT NULL, PRIMARY KEY (namespace, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS repositories (id INTEGER PRIMARY KEY, updated TEXT NOT NULL, pushed TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS others (id INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS looks (app TEXT PRIMARY KEY, at REAL NOT NULL, details TEXT) WITHOUT ROWID;
"""


class Memory:
    """Used by one process at a time, from one thread. `clock` gives seconds since 1970."""

    def __init__(self, file: Path, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._database = sqlite3.connect(file, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.executescript(SCHEMA)

    def close(self) -> None:
        self._database.close()

    def scripts(self) -> dict[Script, str]:
        """When each script was modified last, as far as that is known to have left it as declared."""
        return {(namespace, name): at for namespace, name, at in self._database.execute("SELECT * FROM scripts")}

    def keep_scripts(self, seen: Mapping[Script, str]) -> None:
        """These are as declared; others are forgotten."""
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute("DELETE FROM scripts")
            rows = [(namespace, name, at) for (namespace, name), at in seen.items()]
            self._database.executemany("INSERT INTO scripts VALUES (?, ?, ?)", rows)

    def repositories(self) -> dict[int, tuple[str, str]]:
        """When each repository was updated, and pushed to, last."""
        return {id_: (updated, pushed) for id_, updated, pushed in self._database.execute("SELECT * FROM repositories")}

    def keep_repositories(self, seen: Mapping[int, tuple[str, str]]) -> None:
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute("DELETE FROM repositories")
            rows = [(id_, updated, pushed) for id_, (updated, pushed) in seen.items()]
            self._database.executemany("INSERT INTO repositories VALUES (?, ?, ?)", rows)

    def others(self) -> set[int]:
        """The repositories that are known to be none of this platform's."""
        return {id_ for (id_,) in self._database.execute("SELECT id FROM others")}

    def keep_other(self, repository: int) -> None:
        self._database.execute("INSERT OR IGNORE INTO others VALUES (?)", [repository])

    def looks(self) -> dict[str, float]:
        """When each app was looked at closely, seconds since 1970."""
        return dict(self._database.execute("SELECT app, at FROM looks"))

    def details(self, app: str) -> Details | None:
        """How the app's repository was when the engine found no difference; None before that."""
        row = self._database.execute("SELECT details FROM looks WHERE app = ?", [app]).fetchone()
        return json.loads(row[0]) if row and row[0] else None

    def keep_look(self, app: str, details: Details | None) -> None:
        """The app was looked at; with `details`, that is how it is where nothing differs."""
        self._database.execute(
            "INSERT INTO looks VALUES (?, ?, ?) ON CONFLICT (app) DO UPDATE "
            "SET at = excluded.at, details = coalesce(excluded.details, details)",
            [app, self._clock(), json.dumps(details) if details is not None else None],
        )

    def forget_looks(self, apps: Iterable[str]) -> None:
        self._database.executemany("DELETE FROM looks WHERE app = ?", [[app] for app in apps])
