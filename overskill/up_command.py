"""`overskill up`: the local cloud, a platform, its control plane and a first app, all there and serving."""

import sys
import time
from typing import Annotated

import typer
from rich.console import Console

from overskill import apps, background
from overskill.app_command import show_urls
from overskill.control_plane_process import ControlPlane
from overskill.down_command import stop
from overskill.local_api import start
from overskill.local_cloud_process import Programs
from overskill.local_command import Profile, Seed
from overskill.operator_command import link
from overskill.options import LocalStack, Providers
from overskill.progress import duration, step
from overskill.project import LOCAL_STACK, Project
from overskill.session import Session
from overskill.toolchain.providers import Mode

FIRST_APP = "ultrathink"

console = Console(highlight=False)


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
            show_urls(session, apps.create(session, FIRST_APP))
        else:
            console.print(f"Platform {stack} is up. An app in it: ./dev app create NAME --stack {stack}")
        if control_plane:
            print(f"{'control plane':<16} {link(session.project, stack, control_plane.url)}")
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
            stop(session)
        raise
    stop(session)


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
