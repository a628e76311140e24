"""A result of the dispatch benchmark, for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from overskill.bench.growth import show_growth

ARRANGEMENTS = {
    "oneWorkerd": "In one workerd: everything in one process, with bindings as lean as can be",
    "localEdge": "On the local cloud: as ./dev up serves it",
}
LEGEND = (
    "direct: the app itself; forwarder: a Worker that only forwards to it, through a service binding; loader: one that "
    "only forwards through a namespace; dispatcher: the dispatch Worker."
)


def show(found: Mapping[str, Any], console: Console) -> None:
    """Print a table for each arrangement, what the goals have come to, and where the time goes."""
    for key, title in ARRANGEMENTS.items():
        console.print(title, style="bold")
        console.print(_cases(found[key]))
        cold = found[key]["cold"]
        told = f"p50 {cold['p50Ms']:.1f} ms, p99 {cold['p99Ms']:.1f} ms"
        console.print(f"First requests to {cold['apps']} apps, through the dispatcher: {told}\n")
    console.print(goals(found["goals"]))
    console.print(f"\n{where(found['addedBy'], found['addedP50Ms'])}\n")
    show_growth(found["growth"], console)
    console.print(_notes(found), style="dim")


def where(added: Mapping[str, float], total: float) -> str:
    """Where the time beyond the forwarder goes, in words."""
    return (
        f"The {total:.3f} ms beyond the forwarder: {added['dispatchWorkerMs']:.3f} the dispatch Worker, "
        f"{added['loaderMs']:.3f} workerd's loader. On the local cloud {added['localCloudMs']:.3f} ms more: its loader "
        "of apps, the hop to their process, data points, KV."
    )


def _cases(arrangement: Mapping[str, Any]) -> Table:
    table = Table("apps", "at once", "", box=None, pad_edge=False)
    for column in ("requests/s", "p50 ms", "p99 ms", "of forwarder", "added p50 ms"):
        table.add_column(column, justify="right", no_wrap=True)
    for case in arrangement["cases"]:
        for number, (row, figures) in enumerate(case["rows"].items()):
            load = ("", "") if number else (str(case["apps"]), str(case["concurrency"]))
            table.add_row(
                *load,
                row,
                _spread(figures["rate"], ".0f"),
                f"{figures['p50Ms']['median']:.3f}",
                f"{figures['p99Ms']['median']:.3f}",
                _spread(figures["ratio"], ".2f"),
                _spread(figures["addedP50Ms"], ".3f"),
            )
        table.add_row()
    return table


def _spread(figure: Mapping[str, float], form: str) -> str:
    return f"{figure['median']:{form}} ({figure['min']:{form}} to {figure['max']:{form}})"


def goals(found: Sequence[Mapping[str, Any]]) -> Table:
    """What the goals have come to."""
    table = Table("goal", "wanted", "measured", "", box=None, pad_edge=False)
    for goal in found:
        mark = "[green]✓ met[/]" if goal["met"] else "[red]✗ missed[/]"
        table.add_row(goal["goal"], goal["wanted"], f"{goal['measured']:.3f}", mark)
    return table


def _notes(found: Mapping[str, Any]) -> str:
    settings, machine = found["settings"], found["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    return (
        f"{LEGEND} Medians of {settings['rounds']} rounds of {settings['seconds']:g} s, with the least and the most. "
        "In a round each row follows directly after the other; ratio and added p50 compare rows of one round. vegeta "
        f"itself adds some 0.15 ms to every latency: only differences count. {versions}; {machine['cores']} cores, "
        f"load {machine['load']:.1f}."
    )
