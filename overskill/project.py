"""This checkout: its stack files, and the folder of what belongs to this machine alone (`.overskill`)."""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from infra.config import ConfigError, StackConfig, parse
from overskill import lined_yaml
from overskill.errors import CommandError

LOCAL_STACK = "local"
LOOPBACK = ("127.0.0.1", "localhost")
APP_PROJECT = "overskill-apps"


@dataclass(frozen=True)
class Project:
    """Folders and files of the checkout at `root`."""

    root: Path = Path(__file__).parents[1]

    @property
    def home(self) -> Path:
        """State, logs and generated secrets of this machine; readable by its user alone.

        It is `.overskill`, or what `OVERSKILL_HOME` says: several checkouts can share one, and so one local cloud.
        """
        home = Path(os.environ.get("OVERSKILL_HOME") or self.root / ".overskill").absolute()
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
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

    @property
    def template(self) -> Path:
        """The folder of the files that every app's repository starts with."""
        return self.root / "app_template"

    @property
    def policies(self) -> Path:
        """The folder of the policy pack."""
        return self.root / "policies"

    @contextmanager
    def marked_run(self, stack: str) -> Iterator[bool]:
        """Leave a mark on `stack` until the block has ended well; gives whether the run before left one."""
        mark = self._folder("unfinished") / stack
        found = mark.exists()
        mark.touch()
        yield found
        mark.unlink()

    def unfinished(self) -> list[str]:
        """The stacks that have a mark: those being run, and those whose run was cut short."""
        return sorted(mark.name for mark in self._folder("unfinished").iterdir())

    def app_stack_file(self, stack: str) -> Path:
        return self.apps / "stacks" / f"Pulumi.{stack}.yaml"

    def app_ids(self, platform_stack: str) -> list[str]:
        """The apps of a platform stack that have a stack file here, by name."""
        files = (self.apps / "stacks").glob(f"Pulumi.{platform_stack}.*.yaml")
        return sorted(file.name.split(".")[2] for file in files)

    def local_stacks(self) -> list[str]:
        """The platform stacks whose Cloudflare is on this machine, by name. Files that cannot be read are left out."""
        found = []
        for file in sorted(self.root.glob("Pulumi.*.yaml")):
            stack = file.name.split(".")[1]
            with suppress(CommandError):
                url = urlsplit(str(self.stack_values(stack).get("cloudflare:baseUrl", "")))
                if url.hostname in LOOPBACK:
                    found.append(stack)
        return found

    def stack_file(self, stack: str) -> Mapping[str, Any]:
        """The content of `Pulumi.<stack>.yaml`. Raises `CommandError` where that has no mapping `config`."""
        file = self.root / f"Pulumi.{stack}.yaml"
        try:
            content = lined_yaml.parse(file.read_text()).value
        except FileNotFoundError:
            raise CommandError(f"there is no stack {stack!r}: {file} does not exist") from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise CommandError(f"{file} is no YAML: {error}") from None
        except (OSError, ValueError) as error:  # no name that a file can have
            raise CommandError(f"there is no stack {stack!r}: {error}") from None
        if not isinstance(content, dict) or not isinstance(content.get("config"), dict):
            raise CommandError(f"{file} has no mapping `config`")
        if odd := [key for key in content["config"] if not isinstance(key, str)]:
            raise CommandError(f"{file}: keys of `config` must be texts such as overskill:prefix, not {odd}")
        return content

    def stack_values(self, stack: str) -> Mapping[str, Any]:
        """The `config` of `Pulumi.<stack>.yaml`. Raises as `stack_file` does."""
        return self.stack_file(stack)["config"]

    def stack_config(self, stack: str) -> StackConfig:
        """The checked configuration of a platform stack. Raises `CommandError` with every offender."""
        try:
            return parse(self.stack_values(stack))
        except ConfigError as error:
            raise CommandError(f"{self.root / f'Pulumi.{stack}.yaml'} has errors:\n{error}") from None

    def secrets_provider(self, stack: str) -> str:
        """What encrypts the secrets in the state of a platform stack and of its apps' stacks.

        It is empty where that is a passphrase, or the state's service.
        """
        return str(self.stack_file(stack).get("secretsprovider", ""))

    def forget_salt(self) -> None:
        """Take the encryption salt out of the local stacks' files, where every run of the engine notes it.

        The files are everybody's, the passphrase this machine's alone. The engine needs the note only to read encrypted
        values of a file, so it stays where there is one; the state has a salt of its own.
        """
        for stack in self.local_stacks():
            file = self.root / f"Pulumi.{stack}.yaml"
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
