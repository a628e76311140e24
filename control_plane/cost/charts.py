"""The plots of a cost report, as shapes with places: a template only draws them. All lengths are in pixels."""

import datetime as dt
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from control_plane.cost.prices import CENT, MICRO
from control_plane.cost.projections import GOAL
from control_plane.cost.report import COLUMNS, AppCost, Report
from control_plane.usage.tables import NO_APP
from infra.names import APP_ENVIRONMENTS

WIDTH, HEIGHT = 720, 220
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 12, 24

GOAL_NAME = 84
"""Beside the bars."""

SHOWN = 12
"""Apps."""
ROW = 24
"""Of an app."""
NAMES = 190
"""How wide the names of apps are."""
MOST = 24
"""Letters of a name."""


@dataclass(frozen=True)
class Shape:
    """A rectangle; `kind` is its class, `title` what it tells who points at it."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str


@dataclass(frozen=True)
class Label:
    x: float
    y: float
    text: str
    anchor: str = "middle"


@dataclass(frozen=True)
class Chart:
    """`about` says in words what it shows. `lines` are horizontal, at these heights; `keys` names the kinds of shapes.

    `goal`: the height of the owner's goal, where there is one.
    """

    about: str
    height: float
    shapes: Sequence[Shape]
    labels: Sequence[Label]
    lines: Sequence[float]
    keys: Mapping[str, str]
    goal: float | None = None
    width: int = WIDTH


def requests_by_day(report: Report) -> Chart:
    """A bar for each day, by app environment. A day with hours that were not read says so."""
    kinds: dict[str, str] = {**{name: name for name in APP_ENVIRONMENTS[::-1]}, "": "no app"}
    days = report.month.days
    amounts = [[report.days[day, kind].requests if (day, kind) in report.days else 0 for kind in kinds] for day in days]
    scale, labels, lines = _axis(max(map(sum, amounts)), _count)
    step = (WIDTH - LEFT - RIGHT) / len(days)
    shapes = []
    for n, (day, stack) in enumerate(zip(days, amounts, strict=True)):
        x = LEFT + n * step + 1
        if day in report.unread or day > report.made_at.date():
            unread = "not read in full" if day in report.unread else "still to come"
            kind = "unread" if day in report.unread else "to-come"
            shapes.append(Shape(x, TOP, step - 2, HEIGHT - TOP - BOTTOM, kind, f"{_day(day)}: {unread}"))
        for (kind, name), amount, below in zip(kinds.items(), stack, accumulate([0, *stack]), strict=False):
            if amount:
                y = HEIGHT - BOTTOM - (below + amount) * scale
                title = f"{_day(day)}, {name}: {amount:,} requests"
                shapes.append(Shape(x, y, step - 2, amount * scale, kind or "nobody", title))
        if day.day == 1 or day.day % 5 == 0:
            labels.append(Label(x + step / 2, HEIGHT - 6, str(day.day)))
    total = sum(map(sum, amounts))
    about = f"{total:,} requests in {report.month.name}, day by day and by app environment"
    keys = {kind or "nobody": name for kind, name in kinds.items()} | ({"unread": "not read"} if report.unread else {})
    return Chart(about, HEIGHT, shapes, labels, lines, keys)


def cost_by_app(report: Report) -> Chart:
    """A bar for each of the dearest apps, by what its cost is made of."""
    rows = [row for row in report.rows if row.total][:SHOWN]
    most = max((row.total for row in rows), default=1)
    scale = (WIDTH - NAMES - 90) / most
    shapes: list[Shape] = []
    labels: list[Label] = []
    for n, row in enumerate(rows):
        y = TOP + n * ROW
        labels.append(Label(NAMES - 8, y + 15, _short(_name(row)), "end"))
        labels.append(Label(NAMES + row.total * scale + 8, y + 15, dollars(row.total), "start"))
        shapes += _stack(row, y, scale)
    about = f"The {len(rows)} apps with the largest shares of the bill, and what those are made of"
    return Chart(about, TOP + len(rows) * ROW + 4, shapes, labels, [], {column: column for column in COLUMNS})


def cost_of_an_app(report: Report) -> Chart:
    """What an app costs on average, now and with other numbers of apps, beside the goal."""
    bars = [("now", report.of_app), *((f"{one.apps:,} apps", one.of_app) for one in report.scenarios)]
    scale, labels, lines = _axis(max(GOAL, *(math.ceil(cost) for _, cost in bars)), dollars)
    step = (WIDTH - LEFT - RIGHT - GOAL_NAME) / len(bars)
    shapes: list[Shape] = []
    for n, (name, cost) in enumerate(bars):
        middle, height = LEFT + (n + 0.5) * step, float(cost) * scale
        y, kind = HEIGHT - BOTTOM - height, "within" if cost <= GOAL else "above"
        shapes.append(Shape(middle - 36, y, 72, height, kind, f"{name}: {dollars(round(cost))} an app"))
        labels += [Label(middle, HEIGHT - 6, name), Label(middle, y - 5, dollars(round(cost)))]
    about = f"What an app costs a month on average, beside the goal of {dollars(GOAL)}"
    keys = {"within": "within the goal", "above": "above the goal"}
    return Chart(about, HEIGHT, shapes, labels, lines, keys, HEIGHT - BOTTOM - GOAL * scale)


def dollars(micro: int) -> str:
    """`$25.00`; what is less than a dollar, and no whole cents, with four digits, or six where those show nothing."""
    if micro % CENT == 0 or abs(micro) >= MICRO:
        return f"${micro / MICRO:,.2f}"
    return f"${micro / MICRO:.4f}" if abs(micro) >= 100 else f"${micro / MICRO:.6f}"


def _stack(row: AppCost, y: float, scale: float) -> Iterable[Shape]:
    x = float(NAMES)
    for column in COLUMNS:
        if share := row.shares[column]:
            title = f"{_name(row)}, {column}: {dollars(share)}"
            yield Shape(x, y + 3, share * scale, ROW - 8, column, title)
            x += share * scale


def _axis(most: float, text: Callable[[int], str]) -> tuple[float, list[Label], list[float]]:
    """The pixels of a unit, and labels and lines at three or four round values."""
    step = _round(max(most, 1) / 3.5)
    count = math.ceil(max(most, 1) / step)
    scale = (HEIGHT - TOP - BOTTOM) / (count * step) * 0.94
    heights = [HEIGHT - BOTTOM - n * step * scale for n in range(count + 1)]
    labels = [Label(LEFT - 8, y + 4, text(n * step), "end") for n, y in enumerate(heights)]
    return scale, labels, heights


def _round(value: float) -> int:
    """1, 2 or 5 and zeros: the first that is not less."""
    power = 10 ** math.floor(math.log10(max(value, 1)))
    return next(int(factor * power) for factor in (1, 2, 5, 10) if factor * power >= value)


def _count(value: int) -> str:
    """`1.5 M`."""
    for size, unit in ((10**9, " G"), (10**6, " M"), (10**3, " k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return str(value)


def _day(day: dt.date) -> str:
    return f"{day:%-d %b}"


def _name(row: AppCost) -> str:
    return "no app" if row.app_id == NO_APP else row.app_id


def _short(name: str) -> str:
    return name if len(name) <= MOST else f"{name[: MOST - 1]}…"
