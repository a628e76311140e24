"""The platform stack that a fleet belongs to, on the local cloud or wherever the user's environment leads."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app_stacks.cloudflare_api import base_url
from infra.config import StackConfig
from overskill.app_stack_file import app_values
from overskill.doctor.github import OFFICIAL_URL
from overskill.engine import ALWAYS, Engine
from overskill.errors import CommandError
from overskill.fleet.limits import PUBLISHED, Limit
from overskill.fleet.projects import StackHome
from overskill.local_api import ask
from overskill.project import Project
from overskill.recovery import Clouds
from overskill.session import Session
from overskill.toolchain import Toolchain
from overskill.toolchain.providers import Mode

WEBHOOK_SECRET = "OVERSKILL_WEBHOOK_SECRET"  # noqa: S105 - the variable's name


@dataclass(frozen=True, kw_only=True)
class Platform:
    """`values` are the stack file's `config`, `outputs` the stack's.

    `environment` is the engine's for every app, `limits` are those that the APIs enforce.
    """

    project: Project
    stack: str
    config: StackConfig
    values: Mapping[str, Any]
    environment: Mapping[str, str]
    outputs: Mapping[str, Any]
    limits: Sequence[Limit]

    @classmethod
    def of(cls, project: Project, stack: str, providers: Mode | None = None) -> "Platform":
        """Raises `CommandError` where the stack isn't up, or credentials are missing."""
        if stack in project.local_stacks():
            session = Session(project, providers, stack)
            session.cloud.require()
            environment: Mapping[str, str] = session.environment
            limits = PUBLISHED if ask(session.cloud, "GET", "profile")["enforce_limits"] else ()
        else:
            environment, limits = os.environ | Toolchain(project.root).environment(), PUBLISHED
        needed = ("CLOUDFLARE_API_TOKEN", "GITHUB_TOKEN", WEBHOOK_SECRET)
        if missing := [variable for variable in needed if not environment.get(variable)]:
            raise CommandError(f"not set: {', '.join(missing)}; ./dev doctor --stack {stack} says what they are for")
        engine = Engine(project, project.root, environment)
        outputs = json.loads(engine.capture("stack", "output", "--json", "--stack", stack))
        return cls(
            project=project,
            stack=stack,
            config=project.stack_config(stack),
            values=project.stack_values(stack),
            environment={**ALWAYS, **environment},
            outputs=outputs,
            limits=limits,
        )

    def app_stack(self, app_id: str) -> str:
        return f"{self.stack}.{app_id}"

    def engine(self, place: StackHome, *, lease: int | None = None) -> Engine:
        """The engine of an app's stack."""
        provider = self.project.secrets_provider(self.stack)
        return Engine(self.project, place.folder, self.environment, lease=lease, secrets_provider=provider)

    def app_values(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """The `config` of an app's stack file, of which `own` are the app's own keys."""
        return app_values(self.values, self.config.overskill.github_organization, own)

    @property
    def urls(self) -> tuple[str, str]:
        """Where Cloudflare's API and GitHub's are."""
        github = self.config.github.base_url or self.environment.get("GITHUB_BASE_URL") or OFFICIAL_URL
        return base_url(self.config.cloudflare.base_url, self.environment), str(github)

    def clouds(self, owner: str | None = None) -> Clouds:
        """Both APIs, for the repositories of `owner`: by default the organisation of the apps."""
        ours = self.config.overskill
        base = str(ours.webhook_base)
        return Clouds(self.urls, owner or ours.github_organization, self.environment, webhook_base=base)
