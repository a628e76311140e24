"""A result of the provisioning benchmark, for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from overskill.bench.growth import show_growth
from overskill.bench.table import goals
from overskill.progress import duration

NOTES = (
    "floor: the fewest calls, from one asynchronous client, within the limits; fleet: overskill fleet apply; loop: "
    "curl and wrangler, app after app; alchemy: the scripts alone, since it makes no repository from a template."
)


def show_provision(found: Mapping[str, Any], console: Console) -> None:
    """Print a row for each contender and size, what the goals have come to, and how it grows."""
    table = Table("apps", "by", "makes", box=None, pad_edge=False)
    for column in ("seconds", "of floor", "CPU s/app", "MB", "Cloudflare", "GitHub", "changes"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in found["rows"]:
        calls = row["callsPerApp"]
        table.add_row(
            *(str(row["apps"]), row["contender"], row["makes"]),
            *(f"{row[key]:.2f}" for key in ("seconds", "secondsOfFloor", "cpuPerApp")),
            f"{row['memoryBytes'] / 1e6:.0f}",
            *(f"{calls[kind]:.1f}" for kind in ("cloudflare", "github", "content")),
        )
    console.print(table)
    console.print(goals(found["goals"]))
    if found["forecast"]:
        console.print("By the fleet's scheduler, the limits and what an app took, on a virtual clock:")
        console.print(_forecast(found["forecast"]))
    show_growth(found["growth"], console)
    profile, machine = found["settings"]["profile"], found["machine"]
    console.print(f"{NOTES} Profile {profile}; {machine['cores']} cores, load {machine['load']:.1f}.", style="dim")


def _forecast(foretold: Sequence[Mapping[str, Any]]) -> Table:
    table = Table("apps", "by", "forecast", "measured", box=None, pad_edge=False)
    for each in foretold:
        measured = duration(each["measured"]) if each["measured"] is not None else ""
        table.add_row(str(each["apps"]), each["contender"], duration(each["seconds"]), measured)
    return table
