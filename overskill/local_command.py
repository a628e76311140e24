"""`overskill local ...`: the local cloud alone, from any folder, without Pulumi, its engine or a stack file."""

import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer
from platformdirs import user_data_path

from overskill import background
from overskill.checkout_cloud import of_checkout
from overskill.local_api import ask, start
from overskill.local_cloud_process import LocalCloud, Programs
from overskill.progress import step
from overskill.project import LOCAL_STACK, Project
from overskill.toolchain import Toolchain

HOME = ".overskill"
TOKENS = {"CLOUDFLARE_API_TOKEN": "cloudflare_token", "GITHUB_TOKEN": "github_token"}

local = typer.Typer(
    no_args_is_help=True, help="The local cloud alone: Cloudflare and GitHub on this machine, for any program."
)

State = Annotated[
    Path | None,
    typer.Option(help=f"Folder of all that it keeps. [default: {HOME}/local-cloud of the project here, or the user's]"),
]

Profile = Annotated[
    Literal["instant", "realistic", "hostile"] | None,
    typer.Option(help="How the local cloud behaves: at once, as the real services do, or at their worst."),
]
Seed = Annotated[int, typer.Option(help="Of what the profile leaves to chance.")]
ShowSecrets = Annotated[bool, typer.Option("--show-secrets", help="Print the link to its page too, with the key.")]


@local.command()
def up(  # noqa: PLR0913 - an option each
    *,
    state: State = None,
    api_port: Annotated[int | None, typer.Option(help="Where both APIs answer. [default: 8787]")] = None,
    edge_port: Annotated[int | None, typer.Option(help="Where the Workers answer. [default: 8788]")] = None,
    account: Annotated[str | None, typer.Option(help="The Cloudflare account's id. [default: 0...01]")] = None,
    workers_subdomain: Annotated[
        str | None, typer.Option(help="The account's subdomain of workers.dev. [default: overskill]")
    ] = None,
    zone: Annotated[
        list[str] | None, typer.Option(help="A DNS zone of the account; repeatable. [default: overskill.localhost]")
    ] = None,
    organization: Annotated[
        list[str] | None, typer.Option(help="A GitHub organisation; repeatable. [default: overskill]")
    ] = None,
    listen: Annotated[
        Literal["127.0.0.1", "0.0.0.0", "::"] | None,  # noqa: S104 - taken only if it is asked for
        typer.Option(help="Its address: this machine alone, every one of IPv4, or of both. [default: 127.0.0.1]"),
    ] = None,
    resident_apps: Annotated[
        int | None, typer.Option(min=1, max=3000, help="So many apps stay loaded at most. [default: 500]")
    ] = None,
    profile: Profile = None,
    seed: Seed = 0,
    detach: Annotated[
        bool, typer.Option("--detach", help="Leave it running and return; overskill local down stops it.")
    ] = False,
    show_secrets: ShowSecrets = False,
) -> None:
    """Start the local cloud and stay until Ctrl-C."""
    given = {
        "api_port": api_port,
        "edge_port": edge_port,
        "account": account,
        "workers_subdomain": workers_subdomain,
        "zones": tuple(zone or ()) or None,
        "organizations": tuple(organization or ()) or None,
        "listen": listen,
        "resident_apps": resident_apps,
    }
    cloud = replace(_cloud(state).found(), **{name: value for name, value in given.items() if value is not None})
    programs = Programs.of(Toolchain(Project().root))
    try:
        with step("Local cloud: start") as running:
            running.detail = "started" if start(cloud, programs, profile, seed) else "was running"
        print("\n".join(addresses(cloud, show_secrets=show_secrets)))
        here = f" --state {shlex.quote(str(cloud.state))}" if state else ""
        print(f'For clients in this shell: eval "$(overskill local env --show-secrets{here})"')
        if detach:
            print(f"Stop it with: overskill local down{here}")
            return
        print("Ctrl-C stops it.", flush=True)
        background.wait(cloud)
    except BaseException:
        if not detach:
            cloud.stop()
        raise
    cloud.stop()
    print("\nThe local cloud is stopped; what is in it stays for the next start.")


@local.command()
def down(state: State = None) -> None:
    """Stop the local cloud; what is in it stays for the next start."""
    print("The local cloud is stopped." if _cloud(state).stop() else "The local cloud was not running.")


@local.command()
def status(state: State = None, *, show_secrets: ShowSecrets = False) -> None:
    """Tell whether it runs and where; exits with 1 if it does not answer."""
    cloud = _cloud(state).found()
    if not cloud.runs():
        print(f"The local cloud does not run: start it with {cloud.up}\nstate       {cloud.state}")
        raise typer.Exit(1)
    profile = ask(cloud, "GET", "profile")
    print("The local cloud runs.", *addresses(cloud, show_secrets=show_secrets), sep="\n")
    print(f"profile     {profile['name']} (seed {profile['seed']})")


@local.command()
def reset(state: State = None) -> None:
    """Set it back to what a first start makes, with the same tokens; snapshots stay."""
    ask(_cloud(state).found(), "POST", "reset")
    print("The local cloud is as after its first start.")


@local.command()
def snapshot(name: str, state: State = None) -> None:
    """Keep a copy of all that is in it, over an older one of that name."""
    ask(_cloud(state).found(), "POST", f"snapshots/{name}")
    print(f"Put it back with: overskill local restore {name}")


@local.command()
def restore(name: str, state: State = None) -> None:
    """Put a snapshot back."""
    ask(_cloud(state).found(), "POST", f"snapshots/{name}/restore")
    print(f"The local cloud is as it was when {name} was taken.")


@local.command()
def snapshots(state: State = None) -> None:
    """The snapshots, the newest first, each with its time (UTC)."""
    for taken in ask(_cloud(state).found(), "GET", "snapshots")["snapshots"]:
        print(f"{taken['taken_at'][:19]}  {taken['name']}")


@local.command()
def token(
    service: Annotated[Literal["cloudflare", "github"], typer.Argument(help="Whose token.")], state: State = None
) -> None:
    """Print the token that one of the emulated services accepts."""
    print(_cloud(state).credentials()[f"{service}_token"])


@local.command("env")
def environment(
    state: State = None,
    show_secrets: Annotated[bool, typer.Option("--show-secrets", help="Print the tokens too.")] = False,
) -> None:
    """Print what leads clients to the local cloud, for a shell: eval "$(overskill local env --show-secrets)"."""
    print("\n".join(exports(_cloud(state).found(), show_secrets=show_secrets)))


def exports(cloud: LocalCloud, *, show_secrets: bool) -> Iterator[str]:
    """`export NAME=value` by the names that clients read; a comment for a token that stays hidden."""
    cloudflare = f"{cloud.api_url}/client/v4"
    plain = {
        "CLOUDFLARE_API_BASE_URL": cloudflare,  # wrangler
        "CLOUDFLARE_BASE_URL": cloudflare,  # Cloudflare's SDKs, Terraform, Pulumi
        "CLOUDFLARE_ACCOUNT_ID": cloud.account,
        "GITHUB_API_URL": f"{cloud.api_url}/api/v3",  # actions and octokit
        "GITHUB_BASE_URL": f"{cloud.api_url}/api/v3/",  # Terraform, Pulumi
    }
    tokens = cloud.credentials()
    for name, value in plain.items():
        yield f"export {name}={shlex.quote(value)}"
    for name, kept in TOKENS.items():
        yield f"export {name}={shlex.quote(tokens[kept])}" if show_secrets else f"# {name}: shown with --show-secrets"


def addresses(cloud: LocalCloud, *, show_secrets: bool) -> Iterator[str]:
    """Where everything is, a line each; the link to the page has its key."""
    yield f"Cloudflare  {cloud.api_url}/client/v4  (account {cloud.account})"
    yield f"GitHub      {cloud.api_url}/api/v3/  (git: {cloud.api_url}/OWNER/NAME.git)"
    yield f"Workers     {cloud.edge_url}"
    yield f"page        {cloud.page_url}" if show_secrets else f"page        {cloud.api_url}/  (link: --show-secrets)"
    if cloud.listen != LocalCloud.listen:
        yield f"open to     every machine that reaches this one (--listen {cloud.listen})"
    yield f"state       {cloud.state}"


def _cloud(state: Path | None) -> LocalCloud:
    """The one of the folder given, of the project around the current folder, or of the user.

    In this checkout it is the one that `./dev up` starts, with the options of the local stack's file.
    """
    project = Project()
    home = _home()
    if state is None and home == project.root / HOME and (project.root / f"Pulumi.{LOCAL_STACK}.yaml").exists():
        return replace(of_checkout(project), up=LocalCloud.up, ports=LocalCloud.ports)
    folder = (state or (home or user_data_path("overskill")) / "local-cloud").resolve()
    return LocalCloud(state=folder, log=folder / "local-cloud.log")


def _home() -> Path | None:
    """The `.overskill` of the nearest folder, from the current one upwards, that has one."""
    here = Path.cwd()
    return next((folder / HOME for folder in (here, *here.parents) if (folder / HOME).is_dir()), None)
