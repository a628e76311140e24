"""The command line, `overskill`; `./dev COMMAND` is `overskill COMMAND`."""

import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from app_stacks.cloudflare_error import CloudflareError
from infra.names import InvalidAppId
from overskill.errors import CommandError

COMMANDS = {
    "up": "overskill.up_command:up",
    "down": "overskill.down_command:down",
    "env": "overskill.platform_command:environment",
    "rollout": "overskill.platform_command:rollout",
    "rollback": "overskill.platform_command:rollback",
    "adopt": "overskill.adopt:adopt",
    "cost": "overskill.cost_command:cost",
    "doctor": "overskill.doctor:doctor",
    "drift": "overskill.drift:drift",
    "drill": "overskill.drill.command:drill",
    "logs": "overskill.logs_command:logs",
    "rebuild": "overskill.rebuild.command:rebuild",
    "serve": "overskill.serve_command:serve",
    "toolchain": "overskill.toolchain.command:toolchain",
    "pulumi": "overskill.plain_pulumi:pulumi",
    "test": "overskill.testing:test",
    "help": "overskill.cli:show_help",
    "app": "overskill.app_command:app_commands",
    "local": "overskill.local_command:local",
    "bench": "overskill.bench:bench",
    "fleet": "overskill.fleet.command:fleet",
    "previews": "overskill.previews_command:previews",
    "template": "overskill.template.command:template",
    "migrate": "overskill.migrate:migrate",
    "stack": "overskill.stack_command:stack",
    "report": "overskill.report_command:report",
    "check": "overskill.check_command:check",
    "operator": "overskill.operator_command:operator",
    "token": "overskill.token_command:token",
    "audit": "overskill.audit_command:audit",
    "webhooks": "overskill.webhooks_command:webhooks",
    "usage": "overskill.usage_command:usage",
    "billing": "overskill.billing_command:billing",
    "backup": "overskill.backup.command:backup",
}
"""Where each is: a function, or a Typer of several. All of them are seconds of imports, and a run needs one."""

ENGINES = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
"""Arguments that are the engine's are left as they are."""


class Imported(Mapping[str, Any]):
    """The commands by name, each imported when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        return _command(name, COMMANDS[name])

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class Commands(TyperGroup):
    """All commands, imported when they are needed."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = Imported()  # type: ignore[assignment]  # nobody adds to it


@cache
def _command(name: str, place: str) -> Any:
    module, _, attribute = place.partition(":")
    found = getattr(import_module(module), attribute)
    if isinstance(found, typer.Typer):
        command: Any = typer.main.get_group(found)
    else:
        single = typer.Typer(add_completion=False)
        single.command(context_settings=ENGINES if name == "pulumi" else None)(found)
        command = typer.main.get_command(single)
    command.name = name
    return command


def _tell_version(wanted: bool) -> None:
    if wanted:
        print(f"overskill {version('overskill')}")
        raise typer.Exit


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The platform under an AI app builder, on this machine or on Cloudflare and GitHub.",
)


@app.callback()
def options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version, and no more.")
    ] = False,
) -> None:
    """What holds for every command."""


def show_help(context: typer.Context) -> None:
    """Show this page."""
    print(context.parent.get_help() if context.parent else "")


def main() -> None:
    """Run the command line; what the user can mend is told without a traceback."""
    try:
        app()
    except (CommandError, InvalidAppId, CloudflareError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
