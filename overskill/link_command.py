"""`overskill app link NAME`: the addresses of a protected app environment, signed for whoever is given them."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal

import pulumi
import typer

from control_plane.app_store import AppStore
from infra.access import access_key, access_token
from infra.config import StackConfig
from infra.credentials import root_secret
from infra.names import Script
from overskill.errors import CommandError
from overskill.known_apps import require_app
from overskill.options import Stack
from overskill.project import LOCAL_STACK, Project
from overskill.stack_context import StackContext

YEAR_HOURS = 8_760


def link(
    name: Annotated[str, typer.Argument(help="The app id.")],
    *,
    environment: Annotated[Literal["preview", "staging"], typer.Option(help="The app environment.")] = "preview",
    hours: Annotated[int, typer.Option(min=1, max=YEAR_HOURS, help="How long it opens the app.")] = 168,
    stack: Stack = LOCAL_STACK,
) -> None:
    """Print the addresses of an app environment, signed where the platform protects it."""
    context = StackContext(Project(), stack)
    context.require()
    with AppStore.of(context.config, context.credentials) as api:
        require_app(api, context.config.overskill, name, [environment])
    script = Script(app_id=name, environment=environment)
    expires = int(time.time()) + hours * 3600
    print("\n".join(lines(context.config, script, expires, context.credentials)))


def lines(config: StackConfig, script: Script, expires: int, credentials: Mapping[str, str]) -> Iterator[str]:
    """What the command prints; `expires` is in Unix seconds.

    Raises `CommandError` where the environment is protected, and `OVERSKILL_WEBHOOK_SECRET` is not among `credentials`.
    """
    platform, query = config.overskill, ""
    if script.environment in platform.previews.protect:
        try:
            key = access_key(root_secret("the key to its protected previews", credentials))
        except pulumi.RunError as error:
            raise CommandError(str(error)) from None
        query = f"?overskill-access={access_token(key, script.name, expires)}"
        until = datetime.fromtimestamp(expires, UTC)
        yield f"Whoever has one of these may open {script.name} until {until:%Y-%m-%d %H:%M} UTC:"
    else:
        yield f"Anybody may open {script.name}: overskill:previews.protect does not name {script.environment}"
    yield f"subdomain  {platform.origins.subdomain_url(script.name)}{query}"
    yield f"path       {platform.origins.path_url(script.name)}{query}"
