"""What may be said of an app, by whoever makes it: its stack's file, or a request to the control plane.

Loaded where no program runs, so it has no SDK below it.
"""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from infra.config_types import (
    DisplayName,
    GitHubOwner,
    Hostname,
    HostPattern,
    Model,
    PlanName,
    RepositoryFullName,
    Structured,
    TeamSlug,
    VariableName,
)
from infra.names import APP_ENVIRONMENTS, AppEnvironment

Permission = Literal["pull", "triage", "push", "maintain", "admin"]

DataKind = Literal["d1", "kv", "r2"]

BINDINGS: dict[DataKind, str] = {"d1": "DB", "kv": "KV", "r2": "BUCKET"}
"""What the app's code finds its data under."""


class AppOptions(Model):
    """What may be said of an app, all of it optional and none of it secret.

    `app_environments` are the platform's, or some of them. `plan` and `template` are the platform's own where none is
    given. `variables` are known to the app's workflow and to its scripts. `services` are hosts that the app may call
    whatever its plan allows.
    """

    display_name: DisplayName = ""
    app_environments: Structured[list[AppEnvironment]] = Field(default=list(APP_ENVIRONMENTS))
    plan: PlanName | None = None
    services: Structured[list[HostPattern]] = Field(default_factory=list)
    visibility: Literal["private", "public"] = "private"
    template: RepositoryFullName | None = None
    collaborators: Structured[dict[GitHubOwner, Permission]] = Field(default_factory=dict)
    team: TeamSlug | None = None
    variables: Structured[dict[VariableName, str]] = Field(default_factory=dict)
    hostnames: Structured[list[Hostname]] = Field(default_factory=list)
    data: Structured[list[DataKind]] = Field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """What the app's code finds its own under."""
        return [*self.variables, *(BINDINGS[kind] for kind in self.data)]

    @field_validator("app_environments")
    @classmethod
    def _has_an_address(cls, environments: list[AppEnvironment]) -> list[AppEnvironment]:
        if "production" not in environments:
            raise ValueError("production is missing: the app would have no address without a prefix")
        return environments

    @model_validator(mode="after")
    def _one_value_a_name(self) -> Self:
        taken = self.names
        if doubled := sorted({name for name in taken if taken.count(name) > 1}):
            raise ValueError(f"{', '.join(doubled)}: a name stands for one variable, one secret or one kind of data")
        return self
