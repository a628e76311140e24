"""How figures grow with size: the power law that fits, and a plot."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

import plotext
from rich.console import Console

WIDTH, HEIGHT = 100, 16
DECADES = 1
"""What the height of a plot spans at least, in powers of ten."""


@dataclass(frozen=True, kw_only=True)
class Growth:
    """What `name` has taken, in `unit`, for so many apps."""

    name: str
    unit: str
    apps: Sequence[int]
    figures: Sequence[float]

    def json(self) -> dict[str, Any]:
        return {**asdict(self), "exponent": exponent(self.apps, self.figures)}


def exponent(sizes: Sequence[float], figures: Sequence[float]) -> float | None:
    """`k` of the power law `size ** k` that fits best: 1 is linear. None for less than two sizes.

    The slope of the least squares' line through the logarithms.
    """
    if len(set(sizes)) < 2:
        return None
    return statistics.linear_regression(list(map(math.log, sizes)), list(map(math.log, figures))).slope


def show_growth(found: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print a plot of each unit, and the exponents; nothing of what has one size alone."""
    several = [each for each in found if each["exponent"] is not None]
    for unit, group in groupby(several, key=lambda each: each["unit"]):
        console.print(_plot(unit, lines := list(group)), highlight=False)
        for each in lines:
            console.print(f"{each['name']}: {unit} grow with apps ** {each['exponent']:.2f}")


def _plot(unit: str, lines: Sequence[Mapping[str, Any]]) -> str:
    """With logarithmic axes, on which a power law is a straight line."""
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.limit_size(False, False)
    plotext.plotsize(WIDTH, HEIGHT)
    plotext.xscale("log")
    plotext.yscale("log")
    for number, each in enumerate(lines):
        plotext.plot(each["apps"], each["figures"], label=each["name"], marker=("braille", "dot", "x", "o")[number])
    heights = [math.log10(figure) for each in lines for figure in each["figures"]]
    plotext.ylim(min(heights), max(*heights, min(heights) + DECADES))  # what hardly grows looks so
    sizes = sorted({apps for each in lines for apps in each["apps"]})
    plotext.xticks(sizes, [f"{apps:,}" for apps in sizes])
    plotext.xlabel("apps")
    plotext.title(unit)
    return "\n".join(line.rstrip() for line in plotext.uncolorize(plotext.build()).splitlines())
