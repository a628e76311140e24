"""`overskill serve`: the control plane of a platform stack, which `./dev up` starts too."""

import json
import os
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from pydantic import ValidationError

from app_stacks.cloudflare_api import base_url
from control_plane.settings import Settings
from infra.credentials import ROOT_VARIABLE
from overskill.app_builder import EngineBuilder
from overskill.control_plane_process import ControlPlane, state_folder
from overskill.errors import CommandError
from overskill.options import Providers, Stack
from overskill.project import LOCAL_STACK, Project
from overskill.stack_context import StackContext

OWN_VARIABLES = {"cloudflare_api_token": "CLOUDFLARE_API_TOKEN", "github_token": "GITHUB_TOKEN"}
"""Settings whose values commands have under a name without `OVERSKILL_`."""

USAGE_MINUTES = 15
"""Between two collections of usage."""


def serve(
    *,
    stack: Stack = LOCAL_STACK,
    port: Annotated[int | None, typer.Option(help="[default: that of the stack's overskill:apiBase, or 8786]")] = None,
    listen: Annotated[str | None, typer.Option(help="Its address. [default: 127.0.0.1]")] = None,
    state: Annotated[Path | None, typer.Option(help="Folder of all that it keeps. [default: in .overskill]")] = None,
    providers: Providers = None,
) -> None:
    """Run the control plane of a platform stack until Ctrl-C.

    What an option gives comes first, then an OVERSKILL_* variable, then what the stack says.
    """
    project = Project()
    context = StackContext(project, stack, providers)
    context.require()
    settings = settings_of(context, port=port, listen=listen, state=state and state.resolve())
    from overskill.control_plane_server import run  # noqa: PLC0415 - no other command has to load it

    run(settings, EngineBuilder(project, stack, providers))


def settings_of(context: StackContext, **options: Any) -> Settings:
    """Raises `CommandError` that names each setting which is missing or wrong, and no value."""
    given = {name: value for name, value in options.items() if value is not None}
    left = {name for name in Settings.model_fields if name not in given and _variable(name) not in os.environ}
    found = {name: value for name, value in _of_stack(context, left).items() if name in left and value}
    try:
        return Settings(**found, **given)
    except ValidationError as error:
        told = "\n".join(
            f"  {_variable(str(each['loc'][0]))}: {'.'.join(map(str, each['loc'][1:]))} {each['msg']}"
            for each in error.errors(include_input=False)
        )
        raise CommandError(f"the control plane of stack {context.stack} lacks settings:\n{told}") from None


def _of_stack(context: StackContext, wanted: set[str]) -> dict[str, Any]:
    """What the stack says of each setting; the engine is only asked where `platform` is `wanted`."""
    config, credentials = context.config, context.credentials
    github = str(config.github.base_url or credentials.get("GITHUB_BASE_URL") or "")
    here = ControlPlane.of(context.project, context.stack, config)
    values: dict[str, Any] = {
        "platform_stack": context.stack,
        "state": state_folder(context.project, context.stack),
        "webhook_secret": credentials.get(ROOT_VARIABLE),
        "cloudflare_url": base_url(config.cloudflare.base_url, credentials),
        "github_url": github,
        "port": here and here.port,
        "trusted_hosts": tuple(
            sorted({urlsplit(str(url)).hostname for url in (config.overskill.api_base, config.overskill.webhook_base)})
        ),
        "usage_minutes": USAGE_MINUTES,
        "quotas": {name: plan.quota for name, plan in config.overskill.plans.items()},
        **{name: credentials.get(variable) for name, variable in OWN_VARIABLES.items()},
    }
    if context.local:
        values["oidc_issuer"] = f"{github.removesuffix('/api/v3/')}/_actions/oidc"
    if "platform" in wanted:
        output = context.engine.capture("stack", "output", "--json", "--stack", context.stack)
        values["platform"] = json.loads(output)
    return values


def _variable(setting: str) -> str:
    return f"OVERSKILL_{setting.upper()}"
