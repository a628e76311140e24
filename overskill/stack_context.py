"""A platform stack wherever it lives: its configuration, its credentials, and the engine's environment for it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.config import StackConfig
from overskill.credentials import local_credentials
from overskill.engine import Engine
from overskill.local_cloud_process import LocalCloud
from overskill.project import Project
from overskill.session import Session
from overskill.toolchain import Toolchain


def read_stack(project: Project, stack: str) -> tuple[StackConfig, Mapping[str, str]]:
    """A stack's configuration and its credentials, by their variables' names. Starts nothing.

    Raises `CommandError` for a stack file with errors, and for a local stack whose cloud has never run.
    """
    if stack in project.local_stacks():
        cloud = LocalCloud.of(project)
        return cloud.config_of(stack), local_credentials(project, cloud.credentials())
    return project.stack_config(stack), os.environ


@dataclass(frozen=True, kw_only=True)
class StackContext:
    """`credentials` are by variables' names; `environment` is the engine's; `settings` the whole stack file."""

    project: Project
    stack: str
    config: StackConfig
    credentials: Mapping[str, str]
    environment: Mapping[str, str]
    settings: Mapping[str, Any]

    @classmethod
    def of(cls, project: Project, stack: str) -> "StackContext":
        """Raises `CommandError` for a stack file with errors, and for a local stack whose cloud is not running."""
        config, credentials = read_stack(project, stack)
        if stack in project.local_stacks():
            session = Session(project, stack=stack)
            session.cloud.require()
            environment: Mapping[str, str] = session.environment
        else:
            environment = os.environ | Toolchain(project.root).environment()
        return cls(
            project=project,
            stack=stack,
            config=config,
            credentials=credentials,
            environment=environment,
            settings=project.stack_file(stack),
        )

    @property
    def engine(self) -> Engine:
        """The engine of the platform program."""
        return Engine(self.project, self.project.root, self.environment, policies=self.project.policies)
