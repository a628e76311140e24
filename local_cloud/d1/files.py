"""D1's databases on disk, a SQLite file each: `{root}/{database}.sqlite3`.

The store's row is what makes a database exist. A file is made by the first statement, so a row without one is an empty
database; a file without a row is the rest of a call that was cut off, and is removed by `sweep`. Files are in WAL mode:
what is committed outlives `kill -9`.
"""

import shutil
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from local_cloud.d1.database import Database, Query, Result

MAX_OPEN = 64
EMPTY_BYTES = 4096
"""Size of a database that has no file yet: SQLite's first page."""


class Databases:
    """All of them; those used last are kept open."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._idle: dict[str, Database] = {}
        self._lock = threading.Lock()

    def run(self, name: str, queries: Sequence[Query]) -> list[Result]:
        """All of the queries in one transaction: a result for each, or `D1Error` and no change."""
        with self._opened(name) as database:
            return database.run(queries)

    def size(self, name: str) -> int:
        """In bytes."""
        return self._ask(name, lambda database: database.size, EMPTY_BYTES)

    def tables(self, name: str) -> int:
        """How many tables there are."""
        return self._ask(name, lambda database: database.tables, 0)

    def remove(self, name: str) -> None:
        """Delete a database; one that is gone already is no error."""
        with self._lock:
            idle = self._idle.pop(name, None)
        if idle:
            idle.close()
        for path in self._root.glob(f"{name}.sqlite3*"):
            path.unlink()

    def sweep(self, keep: Collection[str]) -> None:
        """Delete every database that is not among those to keep."""
        for path in self._root.glob("*.sqlite3"):
            if path.stem not in keep:
                self.remove(path.stem)

    def copy_to(self, folder: Path) -> None:
        """Write what is committed to a folder, which is made."""
        folder.mkdir()
        for path in self._root.glob("*.sqlite3"):
            with self._opened(path.stem) as database:
                database.copy_to(folder / path.name)

    def copy_from(self, folder: Path | None) -> None:
        """Replace everything by what `copy_to` wrote to a folder; by nothing if it is None, or is not there."""
        self.close()
        shutil.rmtree(self._root, ignore_errors=True)
        if folder and folder.exists():
            shutil.copytree(folder, self._root)

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, {}
        for database in idle.values():
            database.close()

    def _ask(self, name: str, question: Callable[[Database], int], default: int) -> int:
        if not (self._root / f"{name}.sqlite3").exists():
            return default
        with self._opened(name) as database:
            return question(database)

    @contextmanager
    def _opened(self, name: str) -> Iterator[Database]:
        with self._lock:
            idle = self._idle.pop(name, None)
        database = idle or Database(self._root / f"{name}.sqlite3")
        try:
            yield database
        finally:
            with self._lock:
                surplus = self._idle.pop(name, None)
                self._idle[name] = database
                if len(self._idle) > MAX_OPEN:
                    surplus = self._idle.pop(next(iter(self._idle)))
            if surplus:
                surplus.close()
