"""One fleet run at a time, and none beside an engine that a killed one has left at work.

The lock is the kernel's, on an open file that every engine of the run inherits: it ends with the last of them, however
each ends. Plugins inherit it as well; those whose engine was killed would live for ever, and are ended here.
"""

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

ENGINE = "pulumi"
POLL = 0.5
"""Seconds."""


@contextmanager
def leased(file: Path) -> Iterator[int]:
    """Hold the lock around the block; gives the descriptor to hand on. Waits for whoever has it, and says so."""
    with file.open("a+") as opened:
        _lock(opened.fileno(), file)
        opened.truncate(0)
        opened.write(str(os.getpid()))
        opened.flush()
        yield opened.fileno()


def _lock(descriptor: int, file: Path) -> None:
    told = False
    while True:
        with suppress(BlockingIOError):
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not told:
            print("waiting for another fleet run, or for what a killed one has left at work", file=sys.stderr)
            told = True
        holders = _holders(file)
        if not any(_works(process, file) for process in holders):
            for process in holders:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        time.sleep(POLL)


def _works(process: psutil.Process, file: Path) -> bool:
    """Whether it is an engine, or the fleet run that has the lock."""
    try:
        return process.name() == ENGINE or str(process.pid) == file.read_text()
    except psutil.NoSuchProcess:
        return False


def _holders(file: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid != os.getpid() and any(each.path == str(file.resolve()) for each in process.open_files()):
                found.append(process)
    return found
