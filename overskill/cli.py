"""The command line, `overskill`; `./dev COMMAND` is `overskill COMMAND`."""

import sys
import time
from importlib.metadata import version
from typing import Annotated

import typer
from rich.console import Console

from app_stacks.cloudflare_error import CloudflareError
from infra.names import InvalidAppId
from overskill import apps as apps_module
from overskill import background, plain_pulumi, testing
from overskill.adopt import adopt
from overskill.app_command import app_commands, show_urls
from overskill.audit_command import audit
from overskill.backup.command import backup
from overskill.bench import bench
from overskill.billing_command import billing
from overskill.builder_environment import lines
from overskill.check_command import check
from overskill.control_plane_process import ControlPlane, stop_all
from overskill.cost_command import cost
from overskill.doctor import doctor
from overskill.drift import drift
from overskill.drill.command import drill
from overskill.errors import CommandError
from overskill.fleet.command import fleet
from overskill.local_api import start
from overskill.local_cloud_process import Programs
from overskill.local_command import Profile, Seed, local
from overskill.logs_command import logs
from overskill.migrate import migrate
from overskill.operator_command import link as operator_link
from overskill.operator_command import operator
from overskill.options import LocalStack, Providers, Stack
from overskill.previews_command import previews
from overskill.progress import duration, step
from overskill.project import LOCAL_STACK, Project
from overskill.rebuild.command import rebuild
from overskill.report_command import report
from overskill.rollout import roll_back, roll_out
from overskill.serve_command import serve
from overskill.session import Session
from overskill.stack_command import stack as stack_commands
from overskill.stack_context import StackContext
from overskill.template.command import template
from overskill.token_command import token
from overskill.toolchain.command import toolchain
from overskill.toolchain.providers import Mode
from overskill.usage_command import usage
from overskill.webhooks_command import webhooks

FIRST_APP = "ultrathink"

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The platform under an AI app builder, on this machine or on Cloudflare and GitHub.",
)
app.add_typer(app_commands, name="app")
app.add_typer(local, name="local")
app.add_typer(bench, name="bench")
app.add_typer(fleet, name="fleet")
app.add_typer(previews, name="previews")
app.add_typer(template, name="template")
app.add_typer(migrate, name="migrate")
app.add_typer(stack_commands, name="stack")
app.add_typer(report, name="report")
app.add_typer(check, name="check")
app.add_typer(operator, name="operator")
app.add_typer(token, name="token")
app.add_typer(audit, name="audit")
app.add_typer(webhooks, name="webhooks")
app.add_typer(usage, name="usage")
app.add_typer(billing, name="billing")
app.add_typer(backup, name="backup")
console = Console(highlight=False)


def _tell_version(wanted: bool) -> None:
    if wanted:
        print(f"overskill {version('overskill')}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version, and no more.")
    ] = False,
) -> None:
    """What holds for every command."""


@app.command()
def up(
    *,
    stack: LocalStack = LOCAL_STACK,
    providers: Providers = None,
    profile: Profile = None,
    seed: Seed = 0,
    detach: Annotated[bool, typer.Option("--detach", help="Leave it running and return; ./dev down stops it.")] = False,
) -> None:
    """Start the local cloud, the platform and a first app; stay until Ctrl-C."""
    started = time.monotonic()
    session = Session(Project(), providers, stack)
    programs = Programs.of(session.toolchain)
    try:
        with step("Local cloud: start") as running:
            running.detail = "started" if start(session.cloud, programs, profile, seed) else "was running"
        session.up_platform()
        session.publish_template()
        control_plane = _start_control_plane(session, providers)
        if stack == LOCAL_STACK:
            show_urls(session, apps_module.create(session, FIRST_APP))
        else:
            console.print(f"Platform {stack} is up. An app in it: ./dev app create NAME --stack {stack}")
        if control_plane:
            print(f"{'control plane':<16} {operator_link(session.project, stack, control_plane.url)}")
        print(f"{'local cloud':<16} {session.cloud.page_url}")
        console.print(f"Ready after {duration(time.monotonic() - started)}.", end=" ")
        if detach:
            console.print("Stop it with ./dev down")
            return
        console.print("Ctrl-C stops it.")
        background.wait(*[server for server in (session.cloud, control_plane) if server])
        console.print("\nStopping the local cloud; ./dev up brings it back as it is.")
    except BaseException:
        if not detach:
            _stop(session)
        raise
    _stop(session)


@app.command()
def down() -> None:
    """Stop the local cloud and the control planes; what is in them stays for the next `up`."""
    console.print("The local cloud is stopped." if _stop(Session(Project())) else "The local cloud was not running.")


@app.command("env")
def environment(
    stack: Stack = LOCAL_STACK,
    show_secrets: Annotated[bool, typer.Option("--show-secrets", help="Print the secrets too.")] = False,
) -> None:
    """Print the environment that the builder needs for a platform stack, as NAME=value lines."""
    context = StackContext(Project(), stack)
    print("\n".join(lines(context.config, context.credentials, show_secrets=show_secrets)))


@app.command()
def rollout(
    percentage: Annotated[int, typer.Argument(min=0, max=100, help="Of the requests; 100 ends the rollout.")],
    stack: Stack = LOCAL_STACK,
) -> None:
    """Give the dispatch Worker of this checkout a share of the requests, and the version that serves now the rest."""
    print(roll_out(StackContext(Project(), stack), percentage))


@app.command()
def rollback(stack: Stack = LOCAL_STACK) -> None:
    """Give every request back to the dispatch Worker's version before the newest."""
    print(roll_back(StackContext(Project(), stack)))


app.command()(adopt)
app.command()(cost)
app.command()(doctor)
app.command()(drift)
app.command()(drill)
app.command()(logs)
app.command()(rebuild)
app.command()(serve)
app.command()(toolchain)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def pulumi(context: typer.Context) -> None:
    """Run the pinned engine with the arguments given, and the environment that the stack needs."""
    raise typer.Exit(plain_pulumi.run(Project(), context.args))


@app.command()
def test(
    suites: Annotated[
        list[str] | None, typer.Argument(help="unit, components, worker, contract, control, e2e; all by default.")
    ] = None,
    slow: Annotated[bool, typer.Option("--slow", help="Also what takes long.")] = False,
) -> None:
    """Run the tests."""
    raise typer.Exit(testing.run(Project(), suites or [], slow=slow))


@app.command("help")
def show_help(context: typer.Context) -> None:
    """Show this page."""
    console.print(context.parent.get_help() if context.parent else "")


def main() -> None:
    """Run the command line; what the user can mend is told without a traceback."""
    try:
        app()
    except (CommandError, InvalidAppId, CloudflareError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


def _start_control_plane(session: Session, providers: Mode | None) -> ControlPlane | None:
    """None where the stack has it elsewhere, or where another stack's has its port, which is told."""
    control_plane = ControlPlane.of(session.project, session.stack, session.config)
    if control_plane and (other := control_plane.neighbour(session.project)):
        print(
            f"no control plane for {session.stack}: port {control_plane.port} is that of {other}'s; give overskill:"
            f"apiBase and overskill:webhookBase another one in Pulumi.{session.stack}.yaml to have both",
            file=sys.stderr,
        )
        return None
    if control_plane:
        with step("Control plane: start"):
            control_plane.start(providers)
    return control_plane


def _stop(session: Session) -> bool:
    """Stop what `up` starts; return whether the local cloud ran."""
    stop_all(session.project)
    return session.cloud.stop()
