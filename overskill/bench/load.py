"""Load on HTTP servers by vegeta, which notes each answer; every one of them is checked.

vegeta was chosen for its targets, each of which may have a Host header of its own: other tools have one for a whole
run. It adds some 0.15 ms to each latency, the same to all that is compared.
"""

import base64
import csv
import io
import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from overskill.bench.samples import Sample, percentile
from overskill.errors import CommandError

NANOSECONDS = 1e9
SHOWN = 3
"""Wrong answers that an error shows."""
NO_TARGETS = "no targets to attack"
"""What vegeta notes when it has come to the end of targets that it was to ask once."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is asked, under which Host header, and the right answer: its status and body. A URL has one."""

    url: str
    host: str
    answer: str
    status: int = 200
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class _Answer:
    started: int
    ended: int
    status: int
    error: str
    body: str
    url: str


class Load:
    """vegeta, with `folder` for its files."""

    def __init__(self, vegeta: Path, folder: Path) -> None:
        self._vegeta = vegeta
        self._folder = folder

    def steady(self, targets: Sequence[Target], *, concurrency: int, seconds: float) -> Sample:
        """Ask the targets in turn, again and again. Raises `CommandError` unless every answer is right."""
        return self._attack(targets, concurrency, "-duration", f"{seconds:g}s")

    def once(self, targets: Sequence[Target], *, concurrency: int = 1) -> Sample:
        """Ask each target once, so many at once. Raises `CommandError` unless every answer is right."""
        return self._attack(targets, concurrency, "-lazy", "-duration", "0")

    def _attack(self, targets: Sequence[Target], concurrency: int, *options: str) -> Sample:
        asked, answered = self._folder / "targets", self._folder / "answers"
        asked.write_text("".join(map(_line, targets)))
        workers = [f"-workers={concurrency}", f"-max-workers={concurrency}"]
        self._run("attack", "-format=json", "-targets", asked, "-rate=0", *workers, "-output", answered, *options)
        answers = list(_answers(self._run("encode", "-to=csv", answered)))
        _check(answers, targets)
        latencies = sorted((answer.ended - answer.started) / NANOSECONDS * 1000 for answer in answers)
        elapsed = max(answer.ended for answer in answers) - min(answer.started for answer in answers)
        return Sample(
            rate=len(answers) / elapsed * NANOSECONDS, p50=percentile(latencies, 50), p99=percentile(latencies, 99)
        )

    def _run(self, *words: str | Path) -> str:
        command = [self._vegeta, *words]
        run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise CommandError(f"vegeta {words[0]} ended with status {run.returncode}: {run.stderr.strip()[-500:]}")
        return run.stdout


def _line(target: Target) -> str:
    header = {name: [value] for name, value in {"Host": target.host, **target.headers}.items()}
    asked = {"method": target.method, "url": target.url, "header": header}
    body = {"body": base64.b64encode(target.body).decode()} if target.body else {}
    return json.dumps({**asked, **body}) + "\n"


def _answers(encoded: str) -> Iterator[_Answer]:
    for started, status, latency, _, _, error, body, _, _, _, url, *_ in csv.reader(io.StringIO(encoded)):
        if error != NO_TARGETS:
            yield _Answer(
                started=int(started),
                ended=int(started) + int(latency),
                status=int(status),
                error=error,
                body=base64.b64decode(body).decode(errors="replace"),
                url=url,
            )


def _told(right: tuple[int, str] | None) -> str:
    return "nothing that was asked" if right is None else f"{right[0]} {right[1]!r}"


def _check(answers: Sequence[_Answer], targets: Sequence[Target]) -> None:
    right = {target.url: (target.status, target.answer) for target in targets}
    wrong = [answer for answer in answers if (answer.status, answer.body) != right.get(answer.url)]
    if not answers:
        raise CommandError(f"nothing was answered at {targets[0].url}")
    if wrong:
        shown = "\n".join(
            f"  {answer.url} answered {answer.status} {answer.error} "
            f"{answer.body.strip()[:200]!r} instead of {_told(right.get(answer.url))}"
            for answer in wrong[:SHOWN]
        )
        raise CommandError(f"{len(wrong)} of {len(answers)} answers were wrong, so nothing is measured:\n{shown}")
