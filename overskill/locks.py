"""The locks that engines leave on stacks: whose they are, and those of dead ones taken off.

Where the state is in files of this machine, they are looked at before a run; anywhere else, the engine tells of them.
"""

import json
import re
import shlex
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from overskill.engine import Engine, Outcome
from overskill.errors import CommandError

LOCKED = "the stack is currently locked by"
BY = re.compile(r"created by (?P<user>.*)@(?P<host>\S*) \(pid (?P<pid>\d+)\)")


@dataclass(frozen=True)
class Holder:
    """The engine that has made a lock; all empty where it was killed as it did. No `host`: it is this machine."""

    user: str
    host: str
    pid: int

    @property
    def is_here(self) -> bool:
        return self.host in ("", socket.gethostname())

    @property
    def lives(self) -> bool:
        return self.is_here and psutil.pid_exists(self.pid)


def unlocked(engine: Engine, stack: str, run: Callable[[], Outcome]) -> Outcome:
    """How `run` ends with no lock of a dead engine in its way. Raises as `release_dead_locks` does."""
    release_dead_locks(engine, stack)
    outcome = run()
    if holders := _told(outcome):
        _release(engine, stack, holders)
        outcome = run()
    return outcome


def release_dead_locks(engine: Engine, stack: str) -> None:
    """Take the lock of `stack`, if it is in files, where the engine that made it is dead.

    Raises `CommandError` where that engine lives, or may: two runs on one stack would undo each other's work.
    """
    _release(engine, stack, _in_files(engine, stack))


def living_holder(engine: Engine, stack: str) -> int | None:
    """The process of this machine that is changing `stack`, as far as files tell."""
    return next((holder.pid for holder in _in_files(engine, stack) if holder.lives), None)


def cancel_command(stack: str, folder: Path) -> str:
    """What takes the lock of `stack`, of the project in `folder`, from wherever it is run."""
    return shlex.join(("./dev", "pulumi", "cancel", "--yes", "-s", stack, "-C", str(folder)))


def _release(engine: Engine, stack: str, holders: Iterable[Holder]) -> None:
    found = list(holders)
    for holder in found:
        if holder.lives:
            raise CommandError(f"stack {stack} is being changed by process {holder.pid}: wait for it to end")
        if not holder.is_here:
            raise CommandError(
                f"stack {stack} is locked by {holder.user}@{holder.host} (process {holder.pid}): wait for it to end, "
                f"or, if it was killed: {cancel_command(stack, engine.folder)}"
            )
    if found:
        engine.capture("cancel", "--yes", "--stack", stack)


def _told(outcome: Outcome) -> list[Holder]:
    """Those of the locks that have ended a run, in the engine's words."""
    failure = "" if outcome.ok else outcome.failure()
    if LOCKED not in failure:
        return []
    return [Holder(by["user"], by["host"], int(by["pid"])) for by in BY.finditer(failure)]


def _in_files(engine: Engine, stack: str) -> Iterable[Holder]:
    """Of locks that are files, dead engines' among them. A lock that goes meanwhile has none."""
    if (folder := engine.backend.folder) is None:
        return
    # What is the local cloud's is this machine's, also where its name is another one by now.
    local = folder == engine.project.backend
    for lock in folder.glob(f".pulumi/locks/organization/*/{stack}/*.json"):
        with suppress(FileNotFoundError):
            yield _in_file(lock, local=local)


def _in_file(lock: Path, *, local: bool) -> Holder:
    try:
        made = json.loads(lock.read_text())
        return Holder(made["username"], "" if local else made["hostname"], made["pid"])
    except (ValueError, KeyError):
        return Holder("", "", 0)
