"""What an app's stack tells the control plane of the app: the output `declaration`, nothing secret in it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from app_stacks.namespace_script import NamespaceScriptArgs
from app_stacks.records import app_key, host_key
from app_stacks.repository import WEBHOOK_SECRET, AppRepositoryArgs
from app_stacks.script_bindings import Binding, SecretText
from infra.names import AppEnvironment, Origins


def places(scripts: Mapping[AppEnvironment, NamespaceScriptArgs], origins: Origins) -> dict[str, dict[str, Any]]:
    """Where the app is in each app environment, as `control_plane.apps.Place` has it."""
    return {
        environment: {
            "script": script.script,
            "namespace": script.namespace,
            "url": origins.subdomain_url(script.script),
            "tags": script.tags,
            "bindings": [_shown(binding) for binding in script.bindings],
        }
        for environment, script in scripts.items()
    }


def belongings(
    app_id: str, repository: AppRepositoryArgs, hostnames: Sequence[str], *, recorded: bool
) -> dict[str, Any]:
    """What else the app's stack has, by name, as `control_plane.apps.Belongings` has it."""
    records = [*([app_key(app_id)] if recorded else []), *map(host_key, hostnames)]
    return {
        "visibility": repository.visibility,
        "variables": sorted(repository.variables),
        "secrets": sorted([WEBHOOK_SECRET, *repository.secrets]),
        "webhook": repository.webhook_url,
        "records": records,
        "hostnames": list(hostnames),
    }


def _shown(binding: Binding) -> dict[str, pulumi.Input[str]]:
    secret = isinstance(binding, SecretText)
    return {"type": binding.type, "name": binding.name} if secret else binding.to_api()
