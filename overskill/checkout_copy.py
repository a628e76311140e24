"""A copy of a checkout, to bring a platform up in beside the checkout's own."""

import re
import shutil
import socket
from contextlib import ExitStack
from pathlib import Path

from overskill.project import LOCAL_STACK

PORTS = ("8786", "8787", "8788")
"""As Pulumi.local.yaml names them."""

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
    """Ports of this machine that nobody has, all different."""
    with ExitStack() as opened:
        sockets = [opened.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]
