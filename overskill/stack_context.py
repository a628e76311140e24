"""A platform stack wherever it lives: its configuration, its credentials, and the engine of its program."""

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from infra.config import StackConfig
from overskill.engine import ALWAYS, Engine, Outcome
from overskill.locks import unlocked
from overskill.progress import step
from overskill.project import Project
from overskill.session import Session, check
from overskill.toolchain import Toolchain
from overskill.toolchain.providers import Mode


class StackContext:
    """A stack of the local cloud is that cloud's session; any other is what the user's environment says.

    Raises `CommandError` for a stack file with errors.
    """

    def __init__(self, project: Project, stack: str, providers: Mode | None = None) -> None:
        self.project = project
        self.stack = stack
        self.session = Session(project, providers, stack) if stack in project.local_stacks() else None
        """Of a stack of the local cloud; None for any other."""

    @cached_property
    def config(self) -> StackConfig:
        return self.session.config if self.session else self.project.stack_config(self.stack)

    @property
    def credentials(self) -> Mapping[str, str]:
        """By the names of the environment's variables. Raises `CommandError` if the local cloud has never run."""
        return self.session.credentials if self.session else os.environ

    @property
    def local(self) -> bool:
        """Whether it is a stack of the local cloud."""
        return self.session is not None

    def require(self) -> None:
        """Raises `CommandError` if it is the local cloud's, and that is not running."""
        if self.session:
            self.session.cloud.require()

    @cached_property
    def engine(self) -> Engine:
        """The engine of the platform program. Raises `CommandError` as `require` does."""
        self.require()
        if self.session:
            return self.session.platform
        environment = {**ALWAYS, **os.environ, **Toolchain(self.project.root).environment()}
        return Engine(
            self.project,
            self.project.root,
            environment,
            policies=self.project.policies,
            secrets_provider=self.project.secrets_provider(self.stack),
        )

    def up(self, plan: Path | None = None) -> Outcome:
        """Bring the stack to what the platform program says, or to what a file of `Engine.save_plan` does of it.

        Raises `CommandError` with the engine's own words.
        """
        if self.session and plan is None:
            return self.session.up_platform()
        with step(f"Platform {self.stack}: pulumi up") as running:
            outcome = unlocked(self.engine, self.stack, lambda: self.engine.up(self.stack, plan=plan))
            check(outcome, f"pulumi up of stack {self.stack}")
            running.detail = outcome.summary()
        return outcome
