"""A platform stack wherever it lives: its configuration, its credentials, and the engine of its program."""

import os
from collections.abc import Mapping
from functools import cached_property

from infra.config import StackConfig
from overskill.engine import Engine
from overskill.project import Project
from overskill.session import Session
from overskill.toolchain import Toolchain
from overskill.toolchain.providers import Mode


class StackContext:
    """A stack of the local cloud is that cloud's session; any other is what the user's environment says.

    Raises `CommandError` for a stack file with errors.
    """

    def __init__(self, project: Project, stack: str, providers: Mode | None = None) -> None:
        self.project = project
        self.stack = stack
        self._session = Session(project, providers, stack) if stack in project.local_stacks() else None

    @cached_property
    def config(self) -> StackConfig:
        return self._session.config if self._session else self.project.stack_config(self.stack)

    @property
    def credentials(self) -> Mapping[str, str]:
        """By the names of the environment's variables. Raises `CommandError` if the local cloud has never run."""
        return self._session.credentials if self._session else os.environ

    @property
    def local(self) -> bool:
        """Whether it is a stack of the local cloud."""
        return self._session is not None

    def require(self) -> None:
        """Raises `CommandError` if it is the local cloud's, and that is not running."""
        if self._session:
            self._session.cloud.require()

    @cached_property
    def engine(self) -> Engine:
        """The engine of the platform program. Raises `CommandError` as `require` does."""
        self.require()
        if self._session:
            return self._session.platform
        environment = os.environ | Toolchain(self.project.root).environment()
        return Engine(self.project, self.project.root, environment, policies=self.project.policies)
