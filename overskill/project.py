"""This checkout: its stack files, and the folder of what belongs to this machine alone (`.overskill`)."""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra.config import ConfigError, StackConfig, parse
from overskill.errors import CommandError

LOCAL_STACK = "local"
APP_PROJECT = "overskill-apps"


@dataclass(frozen=True)
class Project:
    """Folders and files of the checkout at `root`."""

    root: Path = Path(__file__).parents[1]

    @property
    def home(self) -> Path:
        """`.overskill`: state, logs and generated secrets of this machine; readable by its user alone."""
        home = self.root / ".overskill"
        home.mkdir(mode=0o700, exist_ok=True)
        return home

    @property
    def logs(self) -> Path:
        return self._folder("logs")

    @property
    def backend(self) -> Path:
        """Where the engine keeps the state of the local cloud's stacks."""
        return self._folder("pulumi")

    def _folder(self, name: str) -> Path:
        folder = self.home / name
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def apps(self) -> Path:
        """The folder of the app program."""
        return self.root / "app_stacks"

    @contextmanager
    def marked_run(self, stack: str) -> Iterator[bool]:
        """Leave a mark on `stack` until the block has ended well; gives whether the run before left one."""
        mark = self._folder("unfinished") / stack
        found = mark.exists()
        mark.touch()
        yield found
        mark.unlink()

    def app_stack_file(self, stack: str) -> Path:
        return self.apps / "stacks" / f"Pulumi.{stack}.yaml"

    def app_ids(self, platform_stack: str) -> list[str]:
        """The apps of a platform stack that have a stack file here, by name."""
        files = (self.apps / "stacks").glob(f"Pulumi.{platform_stack}.*.yaml")
        return sorted(file.name.split(".")[2] for file in files)

    def stack_values(self, stack: str) -> Mapping[str, Any]:
        """The `config` of `Pulumi.<stack>.yaml`. Raises `CommandError` where it is missing or no mapping."""
        file = self.root / f"Pulumi.{stack}.yaml"
        try:
            content = yaml.safe_load(file.read_text())
        except FileNotFoundError:
            raise CommandError(f"there is no stack {stack!r}: {file} does not exist") from None
        except yaml.YAMLError as error:
            raise CommandError(f"{file} is no YAML: {error}") from None
        values = content.get("config") if isinstance(content, dict) else None
        if not isinstance(values, dict):
            raise CommandError(f"{file} has no mapping `config`")
        return values

    def stack_config(self, stack: str = LOCAL_STACK) -> StackConfig:
        """The checked configuration of a platform stack. Raises `CommandError` with every offender."""
        try:
            return parse(self.stack_values(stack))
        except ConfigError as error:
            raise CommandError(f"{self.root / f'Pulumi.{stack}.yaml'} has errors:\n{error}") from None

    def forget_salt(self) -> None:
        """Take the encryption salt out of `Pulumi.local.yaml`, where every run of the engine notes it.

        The file is everybody's, the passphrase this machine's alone. The engine needs the note only to read encrypted
        values of the file, so it stays where there is one; the state has a salt of its own.
        """
        file = self.root / f"Pulumi.{LOCAL_STACK}.yaml"
        lines = file.read_text().splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith("encryptionsalt:")]
        if kept != lines and not any(line.lstrip().startswith("secure:") for line in kept):
            file.write_text("".join(kept))

    def secret_file(self, name: str) -> Path:
        """A file that holds a generated secret, made at first use; only its user can read it."""
        file = self.home / name
        try:
            descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            return file
        with open(descriptor, "w") as opened:
            opened.write(secrets.token_hex(32))
        return file
