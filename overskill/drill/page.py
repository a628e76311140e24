"""The page of the drills, `docs/drills.md`: written by a run, never by hand."""

import datetime as dt
import platform
from collections.abc import Iterable, Sequence
from itertools import groupby

import psutil

from overskill.drill.row import Row

HEAD = """# Drills

What goes wrong on purpose, and how it ends: `overskill drill`, on a local cloud of its own. Each drill begins with
everything in order, lets one thing go wrong, and then looks at the state that it has led to: what is served, what is
stored, what is recorded. It has ended

- **by itself** if that state is right, and nobody had to do anything but what every caller does (a sender of webhooks
  sends them again);
- **told** if an error has said what is wrong, and doing what it says, or the same again, has led to the right state;
- **wrong** otherwise; then the command fails.

`before` and `after`: whether the caller was failed before its call took effect, or after. A network that is cut in an
answer is a `reset after`. A full disk is one on which no file of the process can grow; a clock is set by changing what
was noted by it.

"""


def written(rows: Sequence[Row], seed: int) -> str:
    """The page of these drills."""
    ends = {end: sum(row.end == end for row in rows) for end in ("by itself", "told", "wrong")}
    summary = ", ".join(f"{number} ended {end}" for end, number in ends.items())
    machine = f"{psutil.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"
    lines = [
        f"**{len(rows)} drills: {summary}.** Seed {seed}, {dt.datetime.now(dt.UTC):%-d %B %Y}, {machine}.",
        "",
        "| drill | where | what went wrong | drills | by itself | told | wrong |",
        "|---|---|---|--:|--:|--:|--:|",
        *(_line(list(group)) for _, group in groupby(rows, lambda row: (row.drill, row.place))),
        "",
        "## What is told",
        "",
        "The first words of an error of each kind, as they came.",
        "",
        *_told(rows),
    ]
    return HEAD + "\n".join(lines) + "\n"


def _line(rows: Sequence[Row]) -> str:
    faults = list(dict.fromkeys(row.fault for row in rows))
    counts = [str(sum(row.end == end for row in rows)) for end in ("by itself", "told", "wrong")]
    cells = [rows[0].drill, _code(rows[0].place), ", ".join(faults), str(len(rows)), *counts]
    return f"| {' | '.join(cell.replace('|', '') for cell in cells)} |"


def _code(place: str) -> str:
    return f"`{place}`" if "/" in place else place


def _told(rows: Iterable[Row]) -> list[str]:
    """Of each drill and place, once."""
    seen = {(row.drill, row.place): row.told for row in rows if row.end == "told"}
    return [f"- {drill}, {_code(place)}: `{told.replace('`', '')}`" for (drill, place), told in seen.items()]
