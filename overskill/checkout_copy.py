"""A copy of a checkout, to bring a platform up in beside the checkout's own."""

import re
import secrets
import shutil
import socket
from contextlib import ExitStack, suppress
from pathlib import Path

from overskill.project import LOCAL_STACK

PORTS = ("8786", "8787", "8788")
"""As Pulumi.local.yaml names them."""

UNGIVEN = range(20_000, 32_000)
"""Ports below the kernel's own range: Linux gives from 32768, macOS from 49152."""

IGNORED = (".git", ".venv", ".overskill", "node_modules", "stacks", "__pycache__", ".ruff_cache", ".pytest_cache")


def copied(root: Path, to: Path) -> Path:
    """The checkout, without what it has made, with ports of its own."""
    shutil.copytree(root, to, ignore=shutil.ignore_patterns(*IGNORED), symlinks=True)
    (to / "app_stacks" / "stacks").mkdir()
    file = to / f"Pulumi.{LOCAL_STACK}.yaml"
    own = dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))
    file.write_text(re.sub("|".join(PORTS), lambda known: own[known.group()], file.read_text()))
    return to


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody has, all different.

    They are none of those that the kernel gives to whoever asks for any, which could go until they are listened on.
    """
    with ExitStack() as opened:
        return [opened.enter_context(_listener()).getsockname()[1] for _ in range(count)]


def _listener() -> socket.socket:
    while True:
        with suppress(OSError):
            return socket.create_server(("127.0.0.1", secrets.choice(UNGIVEN)))
