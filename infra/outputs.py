"""The outputs of a platform stack: written by its program, read by app stacks through a StackReference."""

from typing import Any

import pulumi
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from infra.names import AppEnvironment, Origins, UrlKind


class PlatformOutputs(BaseModel):
    """What app stacks need of their platform. `urls` is the kind of URL that an app has by default.

    `template` and `github_organization` are names at GitHub; `app_store` is a KV namespace's id; `dispatcher_version`
    is the version that the stack's program made of the dispatch Worker. An output that is not named here is ignored: a
    newer platform stack may have more.
    """

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    account_id: str
    namespaces: dict[AppEnvironment, str]
    origins: Origins
    urls: UrlKind
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
