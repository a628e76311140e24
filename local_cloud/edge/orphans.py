"""The workerd that an earlier run left behind when it was killed."""

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

log = logging.getLogger(__name__)

_END_SECONDS = 20.0
_POLL_SECONDS = 0.01


def end_orphans(state_dir: Path) -> None:
    """End every workerd whose command line names a configuration in `state_dir`.

    The process table is what records them: a note of a pid could be missing, or mean another process by now.
    """
    orphans = [
        process for process in psutil.process_iter(["cmdline"]) if _serves(process.info["cmdline"] or (), state_dir)
    ]
    for orphan in orphans:
        log.warning("ending workerd %d, which an earlier run left behind", orphan.pid)
        with suppress(psutil.NoSuchProcess):
            orphan.kill()
    deadline = time.monotonic() + _END_SECONDS
    while not all(map(_ended, orphans)) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _serves(command: Sequence[str], state_dir: Path) -> bool:
    return "serve" in command and Path(command[-1]).parent == state_dir


def _ended(process: psutil.Process) -> bool:
    """Whether it has let go of its sockets: whoever inherited it may take a while to ask for its exit code."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
