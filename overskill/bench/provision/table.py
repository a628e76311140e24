"""A result of the provisioning benchmark, for people."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from overskill.bench.table import goals

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
    for name, growth in found["growth"].items():
        if growth["secondsExponent"] is not None:
            told = f"wall grows with apps ** {growth['secondsExponent']:.2f}, CPU ** {growth['cpuExponent']:.2f}"
            console.print(f"{name}: {told}")
    profile, machine = found["settings"]["profile"], found["machine"]
    console.print(f"{NOTES} Profile {profile}; {machine['cores']} cores, load {machine['load']:.1f}.", style="dim")
