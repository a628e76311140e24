"""A result of the control plane's benchmark, for people."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from overskill.bench.growth import show_growth
from overskill.bench.table import goals


def show_control_plane(found: Mapping[str, Any], console: Console) -> None:
    """Print what was taken a second, when watchers were told, and how long pages take."""
    webhooks, fan_out = found["webhooks"], found["fanOut"]
    console.print(
        f"Webhooks: {webhooks['rate']['median']:.0f} a second accepted (p99 {webhooks['p99Ms']['median']:.0f} ms), "
        f"{found['ratio']:.2f} of what /health answers, which does nothing"
    )
    console.print(
        f"Watchers: {fan_out['events']} events to {fan_out['watchers']} at once, the last within "
        f"{fan_out['seconds']['p99']:.2f} s (p99), {fan_out['eventsPerSecond']:.0f} a second"
    )
    table = Table("page, ms", box=None, pad_edge=False)
    for apps in found["pagesMs"]:
        table.add_column(f"{apps} apps", justify="right")
    for page in next(iter(found["pagesMs"].values())):
        table.add_row(page, *(f"{pages[page]:.0f}" for pages in found["pagesMs"].values()))
    console.print(table)
    show_growth(found["growth"], console)
    console.print(goals(found["goals"]))
    machine, settings = found["machine"], found["settings"]
    told = f"SQLite, one server, {settings['at_once']} senders at once; {machine['cores']} cores"
    console.print(f"{told}, load {machine['load']:.1f}.", style="dim")
