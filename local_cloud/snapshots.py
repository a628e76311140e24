"""Reset, and snapshots: a copy of store, repositories and databases, each taken and put back as a whole."""

import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from local_cloud.actions import runner
from local_cloud.cloud import Cloud
from local_cloud.github import outbox

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class SnapshotError(Exception):
    """There is no such snapshot, or can't be; the message says which and what to do."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """`taken_at` is in UTC."""

    name: str
    taken_at: datetime


class Snapshots:
    """Snapshots live in the state directory: `{name}/cloud.sqlite3`, `{name}/repositories` and `{name}/databases`.

    Putting one back takes several steps, store and folders. What is under way is noted in a file first, so that a start
    after `kill -9` in between ends it.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._root = cloud.state.snapshots
        self._under_way = self._root / ".restoring"

    def take(self, name: str) -> None:
        """Write a snapshot, over an older one of that name. Raises `SnapshotError`."""
        if not NAME.fullmatch(name):
            raise SnapshotError(f"snapshot name {name!r} must be 1 to 64 of A-Z, a-z, 0-9, _ and inner -")
        incoming, path = self._root / ".incoming", self._root / name
        shutil.rmtree(incoming, ignore_errors=True)
        incoming.mkdir(parents=True)
        self._cloud.store.copy_to(incoming / "cloud.sqlite3")
        self._cloud.state.repositories.mkdir(exist_ok=True)
        shutil.copytree(self._cloud.state.repositories, incoming / "repositories", symlinks=True)
        self._cloud.databases.copy_to(incoming / "databases")
        shutil.rmtree(path, ignore_errors=True)
        incoming.rename(path)

    def restore(self, name: str) -> None:
        """Put a snapshot back. Raises `SnapshotError`."""
        self._replace(self._known(name).name)

    def delete(self, name: str) -> None:
        """Raises `SnapshotError` if there is none."""
        leaving = self._root / ".leaving"
        shutil.rmtree(leaving, ignore_errors=True)
        self._known(name).rename(leaving)
        shutil.rmtree(leaving)

    def taken(self) -> list[Snapshot]:
        """Those that there are, the newest first."""
        paths = [path for path in self._root.glob("*") if NAME.fullmatch(path.name) and path.is_dir()]
        found = [Snapshot(name=path.name, taken_at=_taken_at(path)) for path in paths]
        return sorted(found, key=lambda snapshot: snapshot.taken_at, reverse=True)

    def reset(self) -> None:
        """Back to what a first start makes, with the same tokens. Snapshots stay."""
        self._replace("")

    def finish(self) -> None:
        """End what a killed process had under way."""
        if self._under_way.exists():
            self._replace(self._under_way.read_text())

    def _known(self, name: str) -> Path:
        known = [snapshot.name for snapshot in self.taken()]
        if name not in known:
            raise SnapshotError(f"there is no snapshot {name!r}; there are: {', '.join(sorted(known)) or 'none'}")
        return self._root / name

    def _replace(self, name: str) -> None:
        source = self._root / name if name else None
        self._root.mkdir(exist_ok=True)
        self._under_way.write_text(name)
        self._cloud.store.copy_from(source / "cloud.sqlite3" if source else None)
        shutil.rmtree(self._cloud.state.repositories, ignore_errors=True)
        if source:
            shutil.copytree(source / "repositories", self._cloud.state.repositories, symlinks=True)
        self._cloud.databases.copy_from(source / "databases" if source else None)
        self._cloud.seed()
        outbox.end_interrupted(self._cloud)
        runner.end_interrupted(self._cloud)
        self._under_way.unlink()


def _taken_at(path: Path) -> datetime:
    """When a snapshot was written: its folder changes each time its store is opened to be put back, that of the
    databases does not."""
    return datetime.fromtimestamp(min(each.stat().st_mtime for each in (path, *path.glob("databases"))), UTC)
