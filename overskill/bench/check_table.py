"""A result of the benchmark of checks, for people."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from overskill.bench.growth import show_growth
from overskill.bench.table import goals

NOTES = "drift: overskill drift, the platform and all apps; refresh: pulumi refresh --preview-only of the same stacks."


def show_check(found: Mapping[str, Any], console: Console) -> None:
    """Print a row for each contender and size, what the goals have come to, and how it grows."""
    table = Table("apps", "by", box=None, pad_edge=False)
    for column in ("calls", "seconds", "CPU s", "MB"):
        table.add_column(column, justify="right")
    for row in found["rows"]:
        figures = (f"{row['seconds']:.1f}", f"{row['cpuSeconds']:.1f}", f"{row['memoryBytes'] / 1e6:.0f}")
        table.add_row(str(row["apps"]), row["contender"], str(row["calls"]), *figures)
    console.print(table)
    show_growth(found["growth"], console)
    if found["goals"]:
        console.print(goals(found["goals"]))
    machine = found["machine"]
    console.print(f"{NOTES} {machine['cores']} cores, load {machine['load']:.1f}.", style="dim")
