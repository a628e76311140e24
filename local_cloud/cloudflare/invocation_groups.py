"""Invocations as the GraphQL API groups them: by the dimensions that are asked for, filtered, ordered, added up."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from local_cloud.store import Document

MAX_LIMIT = 10_000

_SECONDS = {"datetimeMinute": 60, "datetimeFiveMinutes": 300, "datetimeFifteenMinutes": 900, "datetimeHour": 3600}
_QUANTILES = {"P25": 0.25, "P50": 0.5, "P75": 0.75, "P90": 0.9, "P95": 0.95, "P99": 0.99, "P999": 0.999}


def _time(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _rounded(seconds: int) -> Callable[[Document], str]:
    return lambda counted: _time(counted["at"] - counted["at"] % seconds)


DIMENSIONS: Mapping[str, Callable[[Document], str]] = {
    "date": lambda counted: _time(counted["at"])[:10],
    "datetime": lambda counted: _time(counted["at"]),
    **{name: _rounded(seconds) for name, seconds in _SECONDS.items()},
    "dispatchNamespaceName": lambda counted: counted["namespace"] or "",
    "scriptName": lambda counted: counted["script"],
    "status": lambda counted: counted["status"],
}
SUMS: Mapping[str, Callable[[Document], int]] = {
    "clientDisconnects": lambda counted: counted["requests"] if counted["status"] == "clientDisconnected" else 0,
    "cpuTimeUs": lambda counted: counted["cpu_us"],
    "errors": lambda counted: counted["errors"],
    "requests": lambda counted: counted["requests"],
    "subrequests": lambda counted: counted["subrequests"],
    "wallTime": lambda counted: counted["wall_us"],
}
"""Times are in microseconds."""
QUANTILES: Mapping[str, tuple[str, float]] = {
    f"{name}{suffix}": (samples, level)
    for name, samples in (("cpuTime", "cpu_samples"), ("wallTime", "wall_samples"))
    for suffix, level in _QUANTILES.items()
}
"""Samples and level by name."""

OPERATORS: Mapping[str, Callable[[str, Any], bool]] = {
    "": lambda value, wanted: value == wanted,
    "_neq": lambda value, wanted: value != wanted,
    "_in": lambda value, wanted: value in wanted,
    "_notin": lambda value, wanted: value not in wanted,
    "_gt": lambda value, wanted: value > wanted,
    "_geq": lambda value, wanted: value >= wanted,
    "_lt": lambda value, wanted: value < wanted,
    "_leq": lambda value, wanted: value <= wanted,
}
"""What may follow a dimension's name in a filter. Times compare as texts, since all have one form."""
LISTS = ("_in", "_notin")

ORDERS = tuple(f"{name}_{way}" for name in (*DIMENSIONS, *(f"sum_{name}" for name in SUMS)) for way in ("ASC", "DESC"))


def groups(
    counted: Iterable[Document], dimensions: Sequence[str], wanted: Mapping[str, Any], order: Sequence[str]
) -> list[dict[str, Any]]:
    """`[{dimensions, sum, quantiles}]` of the documents that match the filter `wanted`."""
    grouped: dict[tuple[str, ...], list[Document]] = {}
    for document in counted:
        if all(_matches(document, name, value) for name, value in wanted.items()):
            grouped.setdefault(tuple(DIMENSIONS[name](document) for name in dimensions), []).append(document)
    found = [_group(dict(zip(dimensions, values, strict=True)), members) for values, members in grouped.items()]
    for criterion in reversed(order):
        name, _, way = criterion.rpartition("_")
        part, name = ("sum", name.removeprefix("sum_")) if name.startswith("sum_") else ("dimensions", name)
        found.sort(key=lambda group, part=part, name=name: group[part].get(name, ""), reverse=way == "DESC")
    return found


def _matches(document: Document, name: str, value: Any) -> bool:
    dimension, separator, operator = name.partition("_")
    return OPERATORS[separator + operator](DIMENSIONS[dimension](document), value)


def _group(dimensions: dict[str, str], members: Sequence[Document]) -> dict[str, Any]:
    samples = {
        name: sorted(value for member in members for value in member[name]) for name in ("cpu_samples", "wall_samples")
    }
    return {
        "dimensions": dimensions,
        "sum": {name: sum(of(member) for member in members) for name, of in SUMS.items()},
        "quantiles": {name: _quantile(samples[of], level) for name, (of, level) in QUANTILES.items()},
    }


def _quantile(ordered: Sequence[int], level: float) -> float:
    """Between the two nearest samples, if it falls between two."""
    place = (len(ordered) - 1) * level
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    return low + (high - low) * (place % 1)
