"""The one reader of an app stack's configuration: its name, `Pulumi.<stack>.yaml`, and one environment secret.

Secret values are none of the model's: they are Pulumi secrets from the first, and only their names are checked.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Literal

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env, is_config_secret
from pydantic import Field, ValidationError

from app_stacks.app_options import AppOptions
from infra.config_types import VariableName
from infra.credentials import derived, root_secret
from infra.names import InvalidAppId, check_app_id

PROJECT = "overskill-apps"
SECRETS, CLOUDFLARE_TOKEN = "secrets", "cloudflareToken"


@dataclass(frozen=True, kw_only=True)
class AppSecrets:
    """`webhook` signs what GitHub tells the platform of the app; `declared` are the app's own, by name.

    With `cloudflare_token` the app's workflow deploys by itself; without, the platform's broker does.
    """

    webhook: pulumi.Input[str]
    declared: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    cloudflare_token: pulumi.Input[str] | None = None


class AppConfig(AppOptions):
    """One app. `platform_stack` and `app_id` are the two halves of the stack's name.

    The secrets whose names `secrets` has are known where `variables` are. `deploy_credentials`: `broker`, the platform
    deploys for the app, or `token`, the app's workflow does, with a token of Cloudflare's.
    """

    platform_stack: str
    app_id: str
    secrets: list[VariableName] = Field(default_factory=list)
    deploy_credentials: Literal["broker", "token"] = "broker"

    @property
    def names(self) -> list[str]:
        return [*super().names, *self.secrets]


def load() -> AppConfig:
    """The configuration of the stack that runs this program. Raises `pulumi.RunError` with every offender."""
    stack = pulumi.get_stack()
    platform_stack, _, app_id = stack.partition(".")
    own = _own_values()
    secrets = {"secrets": sorted(json.loads(own[SECRETS]))} if SECRETS in own else {}
    plain = {key: value for key, value in own.items() if key not in {SECRETS, CLOUDFLARE_TOKEN}}
    offenders = list(_not_encrypted(own))
    try:
        config = AppConfig(platformStack=platform_stack, appId=check_app_id(app_id), **plain, **secrets)
    except InvalidAppId as error:
        raise pulumi.RunError(f"stack {stack} has no app's name: {error}") from None
    except ValidationError as error:
        offenders += [f"{':'.join(filter(None, (PROJECT, _path(e))))}: {e['msg']}" for e in error.errors()]
    if offenders:
        raise pulumi.RunError("\n  ".join([f"Pulumi.{stack}.yaml:", *offenders]))
    return config


def secrets(config: AppConfig) -> AppSecrets:
    """The secret values of the stack that runs this program. Raises Pulumi's own errors, which name the missing one."""
    given = pulumi.Config(PROJECT)
    values = given.require_secret_object(SECRETS) if config.secrets else None
    return AppSecrets(
        webhook=_webhook_secret(config.app_id),
        declared={name: values.apply(itemgetter(name)) for name in config.secrets} if values else {},
        cloudflare_token=given.require_secret(CLOUDFLARE_TOKEN) if config.deploy_credentials == "token" else None,
    )


def _webhook_secret(app_id: str, environment: Mapping[str, str] = os.environ) -> pulumi.Output[str]:
    """The app's own webhook secret, derived from the platform's: no two apps share one, and none has to be stored.

    Raises `pulumi.RunError` where `OVERSKILL_WEBHOOK_SECRET` is not in the environment.
    """
    return pulumi.Output.secret(derived(root_secret("each app's", environment), f"webhook:{app_id}"))


def _own_values() -> dict[str, str]:
    values = {**get_config_env(), **CONFIG.get()}
    return {key.removeprefix(f"{PROJECT}:"): value for key, value in values.items() if key.startswith(f"{PROJECT}:")}


def _not_encrypted(own: Mapping[str, str]) -> Iterator[str]:
    for key, command in (
        (SECRETS, f"--path '{PROJECT}:{SECRETS}.NAME'"),
        (CLOUDFLARE_TOKEN, f"{PROJECT}:{CLOUDFLARE_TOKEN}"),
    ):
        if key in own and not is_config_secret(f"{PROJECT}:{key}"):
            yield f"{PROJECT}:{key}: is there in plain text: take it out, and pulumi config set --secret {command}"


def _path(error: Any) -> str:
    return ".".join(map(str, error["loc"]))
