"""The command line, `overskill`; `./dev COMMAND` is `overskill COMMAND`."""

import sys
import time
from pathlib import Path
from typing import Annotated, Literal

import httpx
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app_stacks.cloudflare_error import CloudflareError
from infra.names import InvalidAppId
from overskill import apps as apps_module
from overskill import background, plain_pulumi, testing
from overskill.app_settings import DisplayName, Plan, Settings, Visibility, changes
from overskill.audit_command import audit
from overskill.bench import bench
from overskill.builder_environment import lines
from overskill.control_plane_process import ControlPlane, stop_all
from overskill.doctor import doctor
from overskill.errors import CommandError
from overskill.fleet.command import fleet
from overskill.link_command import link
from overskill.local_api import start
from overskill.local_cloud_process import Programs
from overskill.local_command import Profile, Seed, local
from overskill.logs_command import logs
from overskill.operator_command import link as operator_link
from overskill.operator_command import operator
from overskill.progress import duration, step
from overskill.project import LOCAL_STACK, Project
from overskill.removal import GRACE_DAYS, DeleteRepository, GraceDays, Now, Removal
from overskill.rollout import roll_back, roll_out
from overskill.serve_command import serve
from overskill.session import Session
from overskill.show_command import show
from overskill.stack_context import StackContext
from overskill.suspend_command import resume, suspend
from overskill.template.command import template
from overskill.token_command import token
from overskill.toolchain.command import toolchain
from overskill.toolchain.providers import Mode

FIRST_APP = "ultrathink"

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The platform under an AI app builder, on this machine or on Cloudflare and GitHub.",
)
app_commands = typer.Typer(
    no_args_is_help=True, help="Apps: create, show, change and destroy in the local cloud, suspend anywhere."
)
app.add_typer(app_commands, name="app")
app.add_typer(local, name="local")
app.add_typer(bench, name="bench")
app.add_typer(fleet, name="fleet")
app.add_typer(template, name="template")
app.add_typer(operator, name="operator")
app.add_typer(token, name="token")
app.add_typer(audit, name="audit")
console = Console(highlight=False)

Providers = Annotated[
    Literal["auto", "official", "standin"] | None,
    typer.Option(help="Provider plugins: the official ones, the stand-ins, or what there is. [default: the stack's]"),
]


Name = Annotated[str, typer.Argument(help="The app id: a-z, 0-9 and inner hyphens.")]
Stack = Annotated[str, typer.Option(help="The platform stack.")]
LocalStack = Annotated[str, typer.Option(help="A platform stack of the local cloud.")]


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
            _show_urls(session, apps_module.create(session, FIRST_APP))
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
        background.wait(*filter(None, (session.cloud, control_plane)))
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


@app_commands.command("create")
def create_app(  # noqa: PLR0913 - an option each
    name: Name,
    *,
    display_name: DisplayName = None,
    plan: Plan = None,
    visibility: Visibility = None,
    settings: Settings = None,
    files: Annotated[
        Path | None, typer.Option("--from", help="A folder of code, which is the first commit. [default: the template]")
    ] = None,
    stack: LocalStack = LOCAL_STACK,
    providers: Providers = None,
) -> None:
    """Make an app: its repository, its scripts, its addresses. The options are kept in its stack file."""
    session = Session(Project(), providers, stack)
    _show_urls(
        session, apps_module.create(session, name, changes(display_name, plan, visibility, settings or ()), files)
    )


@app_commands.command("update")
def update_app(  # noqa: PLR0913 - an option each
    name: Name,
    *,
    display_name: DisplayName = None,
    plan: Plan = None,
    visibility: Visibility = None,
    settings: Settings = None,
    stack: LocalStack = LOCAL_STACK,
    providers: Providers = None,
) -> None:
    """Change what an app's stack file says, and bring the app to it."""
    session = Session(Project(), providers, stack)
    _show_urls(session, apps_module.update(session, name, changes(display_name, plan, visibility, settings or ())))


@app_commands.command("list")
def list_apps(stack: LocalStack = LOCAL_STACK) -> None:
    """The apps of this checkout."""
    found = apps_module.list_apps(Session(Project(), stack=stack))
    if not found:
        console.print("No apps yet: ./dev app create NAME makes one.")
        return
    table = Table("app", "state", "address", box=None, pad_edge=False)
    for status in found:
        create = f"./dev app create {status.app_id}" + (f" --stack {stack}" if stack != LOCAL_STACK else "")
        told = [str(status.state)] if status.state else []
        told += [] if status.complete else [f"incomplete: run {create}"]
        table.add_row(status.app_id, escape(", ".join(told) or "complete"), status.url)
    console.print(table)


@app_commands.command("destroy")
def destroy_app(  # noqa: PLR0913 - an option each
    name: Name,
    *,
    grace: GraceDays = GRACE_DAYS,
    now: Now = False,
    delete_repository: DeleteRepository = False,
    stack: LocalStack = LOCAL_STACK,
    providers: Providers = None,
) -> None:
    """Suspend an app; after a time of grace, the same command removes its scripts and its stack."""
    removal = Removal.of(grace, now=now, delete_repository=delete_repository)
    if due := apps_module.destroy(Session(Project(), providers, stack), name, removal):
        more = f" --stack {stack}" if stack != LOCAL_STACK else ""
        print(f"{name} is suspended, and is removed by the same command after {due:%Y-%m-%d %H:%M} UTC.")
        print(f"At once: ./dev app destroy {name} --now{more}. To keep it: ./dev app resume {name}{more}")


app_commands.command()(show)
app_commands.command()(suspend)
app_commands.command()(resume)
app_commands.command()(link)


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


app.command()(doctor)
app.command()(logs)
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


def _show_urls(session: Session, urls: dict[str, str]) -> None:
    """Print the addresses with what each answers. Raises `CommandError` if one does not answer 200."""
    answers = {kind: session.answer(url) for kind, url in urls.items()}
    for kind, url in urls.items():
        print(f"{kind:<11} {answers[kind].status_code}  {url}")
    if failing := {urls[kind]: answer for kind, answer in answers.items() if answer.status_code != httpx.codes.OK}:
        told = "\n".join(f"{url}: {answer.status_code}: {answer.text.strip()[:300]}" for url, answer in failing.items())
        raise CommandError(f"these do not answer as they should (log: {session.cloud.log}):\n{told}")
