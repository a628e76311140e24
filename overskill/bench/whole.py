"""All benchmarks in one run, and the page that is written from what they found."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

COLUMNS = 120

HEAD = """# Benchmarks

Written by `./dev bench all{quick} --page docs/benchmarks.md`, never by hand: on {date}, {machine}. What is compared was
measured in one run, one directly after the other; ratios say more than times do, which are this machine's.
What each measures, and against what: [ADR 24](adr/0024-benchmarks.md).
"""

SECTION = """
## {title}

`{command}`: {ratio:.2f}, {ratio_of}.

```text
{shown}
```
"""


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """`measure` gives the result, quickly or in full; `show` prints it."""

    name: str
    title: str
    measure: Callable[[], dict[str, Any]]
    show: Callable[[Mapping[str, Any], Console], None]


def together(results: Sequence[Mapping[str, Any]], *, quick: bool) -> dict[str, Any]:
    """One object: each benchmark's result by its name, with their ratios and goals beside."""
    return {
        "bench": "all",
        "quick": quick,
        "date": results[0]["date"],
        "ratios": {found["bench"]: found["ratio"] for found in results},
        "goals": [{"bench": found["bench"], **goal} for found in results for goal in found["goals"]],
        "results": {found["bench"]: found for found in results},
    }


def write_page(file: Path, benchmarks: Sequence[Benchmark], found: Mapping[str, Any]) -> None:
    """Replace `file` by the page."""
    results = found["results"]
    machine = results[benchmarks[0].name]["machine"]
    told = f"{machine['system']}, {machine['cores']} cores, {machine['memoryBytes'] / 2**30:.0f} GiB"
    sections = [_section(one, results[one.name]) for one in benchmarks]
    file.write_text(
        HEAD.format(quick=" --quick" if found["quick"] else "", date=found["date"][:10], machine=told)
        + "".join(sections)
    )


def _section(benchmark: Benchmark, found: Mapping[str, Any]) -> str:
    output = io.StringIO()
    benchmark.show(found, Console(file=output, width=COLUMNS, highlight=False))
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    shown = "\n".join(line.rstrip() for line in f"{output.getvalue().rstrip()}\n{versions}".splitlines())
    return SECTION.format(
        title=benchmark.title,
        command=f"./dev bench {found['bench']}",
        ratio=found["ratio"],
        ratio_of=found["ratioOf"],
        shown=shown,
    )
