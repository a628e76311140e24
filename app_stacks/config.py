"""The one reader of an app stack's configuration: its name, `Pulumi.<stack>.yaml`, and one environment secret."""

import os
from collections.abc import Mapping

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env
from pydantic import Field, ValidationError, field_validator

from infra.config_types import Model, Structured
from infra.credentials import derived, root_secret
from infra.names import APP_ENVIRONMENTS, AppEnvironment, InvalidAppId, check_app_id

PROJECT = "overskill-apps"


class AppConfig(Model):
    """One app. `platform_stack` and `app_id` are the two halves of the stack's name; the rest is optional.

    `app_environments` are the platform's, or some of them.
    """

    platform_stack: str
    app_id: str
    display_name: str = Field(default="", max_length=100)
    app_environments: Structured[list[AppEnvironment]] = Field(default=list(APP_ENVIRONMENTS))

    @field_validator("app_environments")
    @classmethod
    def _has_an_address(cls, environments: list[AppEnvironment]) -> list[AppEnvironment]:
        if "production" not in environments:
            raise ValueError("production is missing: the app would have no address without a prefix")
        return environments


def load() -> AppConfig:
    """The configuration of the stack that runs this program. Raises `pulumi.RunError` with every offender."""
    values = {**get_config_env(), **CONFIG.get()}
    platform_stack, _, app_id = pulumi.get_stack().partition(".")
    own = {key.removeprefix(f"{PROJECT}:"): value for key, value in values.items() if key.startswith(f"{PROJECT}:")}
    try:
        return AppConfig(platformStack=platform_stack, appId=check_app_id(app_id), **own)
    except InvalidAppId as error:
        raise pulumi.RunError(f"stack {pulumi.get_stack()} has no app's name: {error}") from None
    except ValidationError as error:
        offenders = "\n".join(f"  {PROJECT}:{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise pulumi.RunError(f"Pulumi.{pulumi.get_stack()}.yaml:\n{offenders}") from None


def webhook_secret(app_id: str, environment: Mapping[str, str] = os.environ) -> pulumi.Output[str]:
    """The app's own webhook secret, derived from the platform's: no two apps share one, and none has to be stored.

    Raises `pulumi.RunError` where `OVERSKILL_WEBHOOK_SECRET` is not in the environment.
    """
    return pulumi.Output.secret(derived(root_secret("each app's", environment), f"webhook:{app_id}"))
