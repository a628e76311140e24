"""`overskill app`: apps of the local cloud, made, shown, changed and destroyed; suspended anywhere."""

from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from overskill import apps
from overskill.app_settings import DisplayName, Plan, Settings, Visibility, changes
from overskill.errors import CommandError
from overskill.link_command import link
from overskill.options import LocalStack, Providers
from overskill.project import LOCAL_STACK, Project
from overskill.removal import GRACE_DAYS, DeleteRepository, GraceDays, Now, Removal
from overskill.rollback_command import rollback, unpin
from overskill.session import Session
from overskill.show_command import show
from overskill.suspend_command import resume, suspend

app_commands = typer.Typer(
    no_args_is_help=True, help="Apps: create, show, change and destroy in the local cloud, suspend anywhere."
)
console = Console(highlight=False)

Name = Annotated[str, typer.Argument(help="The app id: a-z, 0-9 and inner hyphens.")]


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
    show_urls(session, apps.create(session, name, changes(display_name, plan, visibility, settings or ()), files))


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
    show_urls(session, apps.update(session, name, changes(display_name, plan, visibility, settings or ())))


@app_commands.command("list")
def list_apps(stack: LocalStack = LOCAL_STACK) -> None:
    """The apps of this checkout."""
    found = apps.list_apps(Session(Project(), stack=stack))
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
    if due := apps.destroy(Session(Project(), providers, stack), name, removal):
        more = f" --stack {stack}" if stack != LOCAL_STACK else ""
        print(f"{name} is suspended, and is removed by the same command after {due:%Y-%m-%d %H:%M} UTC.")
        print(f"At once: ./dev app destroy {name} --now{more}. To keep it: ./dev app resume {name}{more}")


app_commands.command()(show)
app_commands.command()(suspend)
app_commands.command()(resume)
app_commands.command()(link)
app_commands.command()(rollback)
app_commands.command()(unpin)


def show_urls(session: Session, urls: dict[str, str]) -> None:
    """Print the addresses with what each answers. Raises `CommandError` if one does not answer 200."""
    answers = {kind: session.answer(url) for kind, url in urls.items()}
    for kind, url in urls.items():
        print(f"{kind:<11} {answers[kind].status_code}  {url}")
    if failing := {urls[kind]: answer for kind, answer in answers.items() if answer.status_code != httpx.codes.OK}:
        told = "\n".join(f"{url}: {answer.status_code}: {answer.text.strip()[:300]}" for url, answer in failing.items())
        raise CommandError(f"these do not answer as they should (log: {session.cloud.log}):\n{told}")
