"""The outputs of a platform stack: written by its program, read by app stacks through a StackReference."""

from typing import Any

import pulumi
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from infra.names import AppEnvironment, Origins, PlatformEnvironment, UrlKind

_CAMEL_CASE = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class CustomerHosts(BaseModel):
    """Where customers' own hosts are made, and the host that they point theirs to."""

    model_config = _CAMEL_CASE

    zone_id: str
    origin: str


class PlatformOutputs(BaseModel):
    """What app stacks need of their platform. `urls` is the kind of URL that an app has by default.

    `protected`: no plan deletes what apps live in. `customer_hosts`: None where customers bring no hosts of their own.
    `plans` are those that an app may have. `oidc_subject`: whether the organisation names the subject of its workflows'
    identity tokens itself. `template` and `github_organization` are names at GitHub; `app_store` is the id of a KV
    namespace; `dispatcher_version` is the version that the stack's program made of the dispatch Worker. An output that
    is not named here is ignored: a newer platform stack may have more.
    """

    model_config = _CAMEL_CASE

    account_id: str
    platform_environment: PlatformEnvironment
    protected: bool
    namespaces: dict[AppEnvironment, str]
    origins: Origins
    urls: UrlKind
    customer_hosts: CustomerHosts | None = None
    plans: list[str]
    default_plan: str
    oidc_subject: bool
    github_organization: str
    template: str
    webhook_base: str
    api_base: str
    app_store: str
    usage_dataset: str
    dispatcher_version: str


def export(**outputs: Any) -> None:
    """Export every field of `PlatformOutputs`, given as an input of its type. Raises `TypeError` for any other set."""
    fields = PlatformOutputs.model_fields
    if outputs.keys() != fields.keys():
        raise TypeError(f"outputs must be {sorted(fields)}, not {sorted(outputs)}")
    for name, value in outputs.items():
        pulumi.export(fields[name].alias or name, value)
