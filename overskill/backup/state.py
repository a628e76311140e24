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

from overskill.engine import Engine
from overskill.errors import CommandError
from overskill.fleet.projects import home
from overskill.locks import cancel_command
from overskill.project import APP_PROJECT, Project
from overskill.toolchain import Toolchain

KINDS = (".json", ".json.gz")
"""How files of state end: the second is PULUMI_DIY_BACKEND_GZIP's."""
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
        engine = Engine(project, project.root, {**os.environ, **Toolchain(project.root).environment()})
        return cls(project, stack, engine.backend.folder)

    @property
    def index(self) -> Path:
        return self.project.home / "fleet" / "index.sqlite"

    def copy(self, folder: Path) -> None:
        """Into `folder`. Raises `CommandError` while an engine is at work on one of the stacks, or has none here."""
        self._require_state()
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
            for file in sorted(file for kind in KINDS for file in (root / "stacks").glob(f"*/*{kind}")):
                if self._is_own(file.name):
                    yield f"pulumi/{file.relative_to(root)}", file
        for file in sorted((self.project.apps / "stacks").glob(f"Pulumi.{self.stack}.*.yaml")):
            yield f"apps/{file.name}", file
        fleet = self.project.home / "fleet"
        for file in sorted(fleet.glob(f"{APP_PROJECT}-*/stacks/Pulumi.{self.stack}.*.yaml")):
            yield f"fleet/{file.relative_to(fleet)}", file

    def _is_own(self, name: str) -> bool:
        return name.startswith(f"{self.stack}.")

    def _require_state(self) -> None:
        if self.backend and not any(path.name in [self.stack + kind for kind in KINDS] for path in self.present()):
            raise CommandError(
                f"{self.backend} has no state of stack {self.stack}: export PULUMI_BACKEND_URL as it is where that is "
                f"brought up; ./dev doctor --stack {self.stack} shows what it is here"
            )

    def _signs(self) -> list[tuple[str, int, int]]:
        """What changes with a file."""
        return [(name, path.stat().st_mtime_ns, path.stat().st_size) for name, path in self._found()]

    def _require_rest(self) -> None:
        if not self.backend:
            return
        locks = [lock.parent.name for lock in (self.backend / ".pulumi" / "locks").rglob("*.json")]
        if busy := sorted({name for name in locks if name == self.stack or name.startswith(f"{self.stack}.")}):
            stack, own = busy[0], busy[0] == self.stack
            app_id = stack.removeprefix(f"{self.stack}.")
            place = self.project.root if own else home(self.project, app_id, stack).folder
            raise CommandError(
                f"an engine is at work on {', '.join(busy)}: wait for it, or, if a killed one has left the lock: "
                f"{cancel_command(stack, place)}"
            )
