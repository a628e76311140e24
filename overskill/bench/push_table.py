"""A result of the benchmark of pushes, for people."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from overskill.bench.table import goals


def show_push(found: Mapping[str, Any], console: Console) -> None:
    """Print how long it took, and when each phase was come to."""
    table = Table("come to", "s after the push", "from", "to", box=None, pad_edge=False)
    for name, spread in {**found["phases"], "live": found["seconds"]}.items():
        table.add_row(name, *(f"{spread[key]:.1f}" for key in ("median", "min", "max")))
    console.print(table)
    console.print(f"The first, with npm's cache empty: {found['firstSeconds']:.1f} s")
    console.print(goals(found["goals"]))
    pushes, machine = found["settings"]["pushes"], found["machine"]
    console.print(f"Medians of {pushes - 1}; {machine['cores']} cores, load {machine['load']:.1f}.", style="dim")
