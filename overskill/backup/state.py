"""What of a platform lies in files of this machine: the engine's state, the apps' stack files, the fleet's index.

All secrets in them are encrypted, by a passphrase or a KMS that no backup has.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from overskill.errors import CommandError
from overskill.project import APP_PROJECT, Project

ATTEMPTS = 3
"""A state that changes while it is copied is copied again."""


@dataclass(frozen=True)
class Files:
    """Those of one platform stack. `backend`: the folder of the engine's state; None: that is elsewhere."""

    project: Project
    stack: str
    backend: Path | None

    @classmethod
    def of(cls, project: Project, stack: str) -> "Files":
        if stack in project.local_stacks():
            return cls(project, stack, project.backend)
        url = urlsplit(os.environ.get("PULUMI_BACKEND_URL", ""))
        return cls(project, stack, Path(unquote(url.path)) if url.scheme == "file" else None)

    @property
    def index(self) -> Path:
        return self.project.home / "fleet" / "index.sqlite"

    def copy(self, folder: Path) -> None:
        """Into `folder`. Raises `CommandError` while an engine is at work on one of the stacks."""
        for _ in range(ATTEMPTS):
            shutil.rmtree(folder, ignore_errors=True)
            self._require_rest()
            before = self._signs()
            for name, path in self._found():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, folder / name)
            if before == self._signs():
                break
        else:
            raise CommandError(f"the state of {self.stack} changes all the time: wait for the engine's runs to end")
        if self.index.exists():
            target = folder / "fleet" / "index.sqlite"
            target.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.index)) as index, closing(sqlite3.connect(target)) as copied:
                index.backup(copied)

    def present(self) -> list[Path]:
        """What a restore would replace."""
        return [path for _, path in self._found()]

    def restore(self, folder: Path) -> None:
        """What `copy` has made of them, each at its place; the index where this machine has none."""
        self._require_rest()
        for path in self.present():
            path.unlink()
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            place = self._place(file.relative_to(folder))
            if place is not None:
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, place)

    def _place(self, name: Path) -> Path | None:
        match name.parts:
            case ("pulumi", *rest):
                return self.backend and self.backend / ".pulumi" / Path(*rest)
            case ("apps", *rest):
                return self.project.apps / "stacks" / Path(*rest)
            case ("fleet", "index.sqlite"):
                return None if self.index.exists() else self.index
            case ("fleet", *rest):
                return self.project.home / "fleet" / Path(*rest)
        raise CommandError(f"the backup has a file that belongs nowhere: {name}")

    def _found(self) -> Iterator[tuple[str, Path]]:
        """Each file by its name in the backup."""
        if self.backend:
            root = self.backend / ".pulumi"
            for file in sorted((root / "stacks").glob("*/*.json")):
                if self._is_own(file.name):
                    yield f"pulumi/{file.relative_to(root)}", file
        for file in sorted((self.project.apps / "stacks").glob(f"Pulumi.{self.stack}.*.yaml")):
            yield f"apps/{file.name}", file
        fleet = self.project.home / "fleet"
        for file in sorted(fleet.glob(f"{APP_PROJECT}-*/stacks/Pulumi.{self.stack}.*.yaml")):
            yield f"fleet/{file.relative_to(fleet)}", file

    def _is_own(self, name: str) -> bool:
        return name == f"{self.stack}.json" or name.startswith(f"{self.stack}.")

    def _signs(self) -> list[tuple[str, int, int]]:
        """What changes with a file."""
        return [(name, path.stat().st_mtime_ns, path.stat().st_size) for name, path in self._found()]

    def _require_rest(self) -> None:
        if not self.backend:
            return
        locks = [lock.parent.name for lock in (self.backend / ".pulumi" / "locks").rglob("*.json")]
        if busy := sorted({name for name in locks if name == self.stack or name.startswith(f"{self.stack}.")}):
            raise CommandError(
                f"an engine is at work on {', '.join(busy)}: wait for it, or, if a killed one has left the lock, "
                f"./dev pulumi cancel -s {busy[0]}"
            )
