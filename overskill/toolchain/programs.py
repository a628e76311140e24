"""What an installed program says of itself."""

import os
import subprocess
from collections.abc import Sequence

from overskill.toolchain.errors import Unavailable


def answer(command: Sequence[str], **environment: str) -> str:
    """What `command`, which asks a program for its version, prints. Raises `Unavailable` if it does not run."""
    try:
        run = subprocess.run(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable(f"{command[0]} does not run: {error}") from error
    return run.stdout.strip()
