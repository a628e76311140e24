"""Long steps that say what runs, for how long, and why.

On a terminal a step is one line with a spinner, the elapsed time and its latest detail. Elsewhere (CI, a pipe) it is
plain lines: one when it starts, one each half minute, one when it ends. All go to standard error; standard output stays
the command's own.
"""

import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

HEARTBEAT = 30.0
"""Seconds between two "still running" lines where there is no terminal."""

TAIL_LINES = 20
"""Lines of a failed command's output that its error shows."""


class CommandFailed(Exception):
    """A command of a step ended badly: `summary` is cause and log in one line; the text adds the last of the output."""

    def __init__(self, command: Sequence[str], cause: str, log: Path) -> None:
        self.summary = f"`{shlex.join(command)}` {cause} (log: {log})"
        tail = log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        super().__init__("\n".join([self.summary, *(f"    {line}" for line in tail)]))


@dataclass
class Step:
    """One long step in progress, as `step` gives it; `detail` (how far it is) is shown with it, also at its end."""

    title: str
    detail: str = ""

    def run(
        self,
        command: Sequence[str],
        *,
        log: Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Run `command` with its output appended to `log`; without end after `timeout` seconds, it is killed.

        Raises `CommandFailed` when it cannot be started, exits with another status than 0, or does not end.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            output.write(f"$ {shlex.join(command)}\n".encode())
            output.flush()
            try:
                status = subprocess.run(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=cwd,
                    env=env,
                    timeout=timeout,
                    check=False,
                ).returncode
            except subprocess.TimeoutExpired:
                raise CommandFailed(command, f"did not end within {duration(timeout or 0)}", log) from None
            except OSError as error:
                raise CommandFailed(command, f"could not be started ({error.strerror})", log) from error
        if status != 0:
            raise CommandFailed(command, f"ended with status {status}", log)


@contextmanager
def step(title: str, why: str = "") -> Iterator[Step]:
    """Show `title`, and `why` it has to be, while the body runs; then how long it took. Steps do not nest."""
    current = Step(title)
    heading = f"{title} ({why})" if why else title
    started = time.monotonic()
    try:
        with _spinner(current, heading) if sys.stderr.isatty() else _lines(current, heading):
            yield current
    except BaseException:
        _print(f"✗ {title}: failed after {duration(time.monotonic() - started)}")
        raise
    outcome = f"{current.detail}, " if current.detail else ""
    _print(f"✓ {title}: {outcome}{duration(time.monotonic() - started)}")


def duration(seconds: float) -> str:
    """`seconds` for people: `0.4 s`, `42 s`, `3 min 20 s`, `3 h 12 min`, `29 d 3 h`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        hours = minutes // 60
        return f"{hours // 24} d {hours % 24} h" if hours >= 48 else f"{hours} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


class _DetailColumn(ProgressColumn):
    def __init__(self, current: Step) -> None:
        super().__init__()
        self._step = current

    def render(self, task: Task) -> Text:
        return Text(self._step.detail, style="dim")


@contextmanager
def _spinner(current: Step, heading: str) -> Iterator[None]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        _DetailColumn(current),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        progress.add_task(heading, total=None)
        yield


@contextmanager
def _lines(current: Step, heading: str) -> Iterator[None]:
    started = time.monotonic()
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(HEARTBEAT):
            detail = f", {current.detail}" if current.detail else ""
            _print(f"… {current.title}: still running after {duration(time.monotonic() - started)}{detail}")

    _print(f"▶ {heading}")
    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
