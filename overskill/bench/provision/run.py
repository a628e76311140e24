"""One program's run, measured: wall, CPU, memory and calls."""

import resource
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from overskill.bench.checkout import Checkout
from overskill.bench.provision.contenders import Program
from overskill.errors import CommandError

SAMPLED_EACH = 0.5
"""Seconds."""

CONTENT = ("POST", "PUT", "PATCH")


@dataclass(frozen=True, kw_only=True)
class Run:
    """`seconds` of wall time, `cpu` seconds of the program and all that it started, `memory` in bytes: the most that
    all of them had at once. `calls` by API: `{"cloudflare", "github", "content"}`, the last those that change GitHub.
    """

    seconds: float
    cpu: float
    memory: int
    calls: Mapping[str, int]


def measured(program: Program, checkout: Checkout, log: Path) -> Run:
    """Run it to its end. Raises `CommandError` with the end of what it printed if it fails."""
    before, used, began = len(checkout.calls()), _cpu(), time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(
            program.command,
            cwd=program.folder,
            env=program.environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            text=True,
        )
        peak = _Peak(process.pid)
        process.communicate(program.input)
    seconds, cpu = time.monotonic() - began, _cpu() - used
    memory = peak.end()
    if process.returncode:
        end = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
        raise CommandError(f"{' '.join(program.command)} failed:\n{end}")
    return Run(seconds=seconds, cpu=cpu, memory=memory, calls=_counted(checkout.calls()[before:]))


def _counted(calls: list[tuple[str, str]]) -> Mapping[str, int]:
    counted = Counter({"cloudflare": 0, "github": 0, "content": 0})
    for method, path in calls:
        at_github = path.startswith("/api/v3/")
        counted["github" if at_github else "cloudflare"] += 1
        counted["content"] += at_github and method in CONTENT
    return dict(counted)


def _cpu() -> float:
    """Of the processes that have ended, which is all that a program started."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class _Peak:
    """The most memory that a process and its children have at once, as far as is seen each half second."""

    def __init__(self, pid: int) -> None:
        self._pid, self._most, self._ended = pid, 0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def end(self) -> int:
        self._ended.set()
        self._thread.join()
        return self._most

    def _watch(self) -> None:
        while not self._ended.wait(SAMPLED_EACH):
            with suppress(psutil.NoSuchProcess):
                root = psutil.Process(self._pid)
                self._most = max(self._most, sum(map(_resident, [root, *root.children(recursive=True)])))


def _resident(process: psutil.Process) -> int:
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return process.memory_info().rss
    return 0
