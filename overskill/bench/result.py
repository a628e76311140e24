"""The shape that the results of all benchmarks share."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import psutil


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What is wanted of a figure: `at_least`, or `below`."""

    name: str
    measured: float
    at_least: float | None = None
    below: float | None = None

    @property
    def met(self) -> bool:
        if self.below is not None:
            return self.measured < self.below
        return self.at_least is not None and self.measured >= self.at_least

    @property
    def wanted(self) -> str:
        return f"below {self.below:g}" if self.below is not None else f"at least {self.at_least:g}"

    def json(self) -> dict[str, Any]:
        return {"goal": self.name, "wanted": self.wanted, "measured": self.measured, "met": self.met}


def result(
    name: str, *, quick: bool, versions: Mapping[str, str], settings: object, goals: Sequence[Goal], **figures: Any
) -> dict[str, Any]:
    """One JSON object: what was measured, where, with what and how, whether the goals are met, and the figures."""
    return {
        "bench": name,
        "quick": quick,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "system": platform.platform(),
            "cores": psutil.cpu_count(),
            "memoryBytes": psutil.virtual_memory().total,
            "load": psutil.getloadavg()[0],
        },
        "versions": dict(versions),
        "settings": asdict(settings),
        "goals": [goal.json() for goal in goals],
        **figures,
    }
