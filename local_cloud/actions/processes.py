"""The processes of runs: known by a variable of their environment, ended by their groups.

A step's processes are in a group of their own, and may leave it; what they inherit they keep.
"""

import os
import signal
from contextlib import suppress

import psutil

from local_cloud.actions.act import TRACKING

ROUNDS = 10
"""What is ended may have started something just before."""


def end(tracking_id: str) -> None:
    """Kill every process whose tracking id begins so; returns when none is left."""
    for _ in range(ROUNDS):
        found = _tracked(tracking_id)
        if not found:
            return
        for process in found:
            with suppress(ProcessLookupError, psutil.NoSuchProcess):
                group = os.getpgid(process.pid)
                if group == os.getpgid(0):
                    process.kill()
                else:
                    os.killpg(group, signal.SIGKILL)
        psutil.wait_procs(found, timeout=1)


def _tracked(tracking_id: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(TRACKING, "").startswith(tracking_id):
                found.append(process)
    return found
