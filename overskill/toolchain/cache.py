"""The folder where parts of the toolchain are kept, and the one way in which a part gets there.

Each part is a folder named by part, version and platform. It is made in a staging folder beside its place, under a lock
of its own, and moved there by one rename: a part that is there is whole, whatever became of the runs before.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from overskill.progress import step
from overskill.toolchain.errors import ToolchainError
from overskill.toolchain.versions import platform_name

_HOW = ".how"
_REMEDY = "Set OVERSKILL_CACHE to a folder that can be written and has 4 GB free, and run this again."


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of the toolchain as it is on this machine."""

    name: str
    version: str
    how: str
    """How it was had: `on PATH`, `official release`, `built from ...`."""
    path: Path
    """The folder that holds it."""


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """Where a part is made."""

    target: Path
    """Becomes the part. It does not exist yet; the builder makes it."""
    scratch: Path
    """An empty folder for all else; removed at the end."""
    log: Path
    """Keeps the output of the commands that made the part, also after a failure."""


class Cache:
    """The parts under one folder, for any number of processes at once."""

    def __init__(self, root: Path | None = None) -> None:
        """Parts under `root`; by default under `$OVERSKILL_CACHE`, or else the user's cache folder."""
        configured = os.environ.get("OVERSKILL_CACHE")
        self.root = root or (Path(configured).absolute() if configured else user_cache_path("overskill"))

    def find(self, name: str, version: str) -> Part | None:
        """The part, if it is installed. Takes no lock."""
        path = self._path(name, version)
        try:
            return Part(name=name, version=version, how=(path / _HOW).read_text(), path=path)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def install(self, name: str, version: str, build: Callable[[Workspace], str]) -> Part:
        """The part, made by `build` if it is not installed. `build` fills the workspace's target and returns how.

        Raises what `build` raises, after which nothing of the part is left, and `ToolchainError` for a cache folder
        that cannot be written.
        """
        if part := self.find(name, version):
            return part
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with self._lock(name, version):
                return self.find(name, version) or self._make(name, version, build)
        except OSError as error:
            what = f"{name} {version} cannot be installed in the cache folder {self.root}: {error}"
            raise ToolchainError(what, remedy=_REMEDY) from error

    def _make(self, name: str, version: str, build: Callable[[Workspace], str]) -> Part:
        path = self._path(name, version)
        prefix = f".{path.name}.staging-"
        for left_by_killed_run in self.root.glob(f"{prefix}*"):
            shutil.rmtree(left_by_killed_run, ignore_errors=True)
        staging = Path(tempfile.mkdtemp(prefix=prefix, dir=self.root))
        try:
            log = self.root / "logs" / f"{path.name}.log"
            log.unlink(missing_ok=True)
            workspace = Workspace(target=staging / "part", scratch=staging / "scratch", log=log)
            workspace.scratch.mkdir()
            how = build(workspace)
            (workspace.target / _HOW).write_text(how)
            workspace.target.rename(path)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        return Part(name=name, version=version, how=how, path=path)

    @contextmanager
    def _lock(self, name: str, version: str) -> Iterator[None]:
        lock = FileLock(self.root / f".{self._path(name, version).name}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            with step(f"Waiting for {name} {version}", why="another run is installing it"):
                lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _path(self, name: str, version: str) -> Path:
        return self.root / f"{name}-{version}-{platform_name()}"
