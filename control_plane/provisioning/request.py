"""What the builder may ask for."""

from collections.abc import Iterator
from typing import Any

from pydantic import ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel

from app_stacks.app_options import AppOptions
from control_plane.notices import NO_NUL
from infra.names import InvalidAppId, check_app_id
from infra.outputs import PlatformOutputs


class AppRequest(AppOptions):
    """An app that shall be made. `customer` is the builder's own name of who it belongs to.

    It is ready once its production address answers a GET of `probe_path` with a status below 400; with `first_deploy`,
    once its pipeline has deployed it there. Where that fails, what was made is removed, or left with `keep`.
    """

    # The API's names are Python's, as in its answers; those of stack files are camelCase.
    model_config = ConfigDict(alias_generator=lambda name: name)

    app_id: str = Field(description="a-z, 0-9 and inner hyphens")
    customer: str | None = Field(default=None, min_length=1, max_length=200, pattern=NO_NUL)
    first_deploy: bool = True
    probe_path: str = Field(default="/", pattern="^/", max_length=2000)
    keep: bool = False

    @field_validator("app_id")
    @classmethod
    def _is_one(cls, app_id: str) -> str:
        try:
            return check_app_id(app_id)
        except InvalidAppId as error:
            raise ValueError(str(error)) from None

    def options(self, platform: PlatformOutputs) -> dict[str, Any]:
        """The keys of the app's stack file."""
        given = self.model_dump(mode="json", include=set(AppOptions.model_fields), exclude_unset=True)
        given.setdefault("app_environments", list(platform.namespaces))
        return {to_camel(name): value for name, value in given.items()}

    def misfits(self, platform: PlatformOutputs) -> Iterator[str]:
        """What the platform hasn't of it."""
        if "app_environments" in self.model_fields_set:
            for environment in self.app_environments:
                if environment not in platform.namespaces:
                    yield f"app_environments: the platform has {', '.join(platform.namespaces)}, not {environment}"
        if self.plan and self.plan not in platform.plans:
            yield f"plan: the platform's are {', '.join(platform.plans)}"
        if self.hostnames and not platform.customer_hosts:
            yield "hostnames: the platform takes no customers' hosts"
