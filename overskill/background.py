"""A server as a process beside this one: found again by its pid file, started, waited for, stopped."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import psutil

from overskill.errors import CommandError

START_SECONDS = 30
STOP_SECONDS = 15

UNTRACKED = {"RUNNER_TRACKING_ID": ""}
"""At the end of a job, GitHub's runner kills every process that has the job's own of this variable."""


class Server(Protocol):
    """One of them. `name` is as errors call it: `the local cloud`."""

    @property
    def name(self) -> str: ...

    @property
    def log(self) -> Path: ...

    def process(self) -> psutil.Process | None:
        """The running process, or None."""


def running(pid_file: Path, argument: str) -> psutil.Process | None:
    """The process of the file, or None. A recorded pid that now belongs to a program without `argument` isn't it."""
    try:
        process = psutil.Process(int(pid_file.read_text()))
        return process if argument in process.cmdline() else None
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return None


def start(
    server: Server,
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    answers: Callable[[], bool],
    ports: str,
) -> None:
    """Return once it `answers`. Raises `CommandError` with its last words if it cannot serve; `ports` chooses them."""
    server.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with server.log.open("w") as log:
        # A session of its own: Ctrl-C in the terminal reaches this process, which then stops the server in order.
        process = subprocess.Popen(
            command,
            env={**environment, **UNTRACKED},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if answers():
            return
        if process.poll() is not None:
            raise CommandError(f"{server.name} did not start (its ports are those of {ports}):\n{_last_words(server)}")
        time.sleep(0.1)
    stop(psutil.Process(process.pid))
    raise CommandError(f"{server.name} did not answer within {START_SECONDS} s:\n{_last_words(server)}")


def wait(*servers: Server) -> None:
    """Return at Ctrl-C or SIGTERM. Raises `CommandError` if one of them ends before that."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while not (ended := [server for server in servers if server.process() is None]):
            time.sleep(0.5)
    except KeyboardInterrupt:
        return
    raise CommandError(f"{ended[0].name} has ended by itself: see {ended[0].log}")


def stop(process: psutil.Process | None) -> bool:
    """Stop it and what it has started; return whether it ran."""
    if process is not None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)
    return process is not None


def _last_words(server: Server) -> str:
    lines = server.log.read_text(errors="replace").splitlines()[-8:]
    return "\n".join(f"  {line}" for line in lines) + f"\n  (whole log: {os.path.relpath(server.log)})"
