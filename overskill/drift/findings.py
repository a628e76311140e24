"""What differs from what is declared, and how it is told apart."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

Drift = Literal["missing", "changed", "orphan", "foreign"]
DRIFTS: tuple[Drift, ...] = get_args(Drift)
MEANINGS: dict[Drift, str] = {
    "missing": "declared, and not there",
    "changed": "there, and not as declared",
    "orphan": "there, and no stack has it",
    "foreign": "somebody else's, in a place of this platform",
}

PARTS = "; "
"""Between what a detail tells."""


@dataclass(frozen=True, order=True, kw_only=True)
class Finding:
    """One thing that differs. `stack` is what it belongs to, or in whose place it is.

    `resource` is its kind by the engine's name, `name` what its service calls it: `overskill-apps/shop`.
    `ours`: it has this platform's marks, so that it may be deleted by name where no stack has it.
    """

    stack: str
    resource: str
    name: str
    drift: Drift
    detail: str = ""
    ours: bool = False


def merged(findings: Iterable[Finding]) -> set[Finding]:
    """One finding a thing: what is somebody else's is nothing besides, and what was seen twice is told once."""
    things: dict[tuple[str, str], list[Finding]] = {}
    for one in sorted(findings):
        things.setdefault((one.resource, one.name), []).append(one)
    found = set()
    for seen in things.values():
        first = next((one for one in seen if one.drift == "foreign"), seen[0])
        details = [part for one in seen if one.drift == first.drift for part in one.detail.split(PARTS)]
        found.add(replace(first, detail=PARTS.join(dict.fromkeys(filter(None, details)))))
    return found


@dataclass(frozen=True, kw_only=True)
class Change:
    """What the engine's refresh has found of one resource of a stack: `op` is `update`, `delete` or another of its
    steps, `inputs` and `id` are the state's, `properties` what differs."""

    op: str
    type: str
    id: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    properties: tuple[str, ...] = ()

    def finding(self, stack: str, owner: str) -> Finding:
        """`owner` is that of the stack's repositories."""
        return Finding(
            stack=stack,
            resource=self.type.rpartition(":")[2],
            name=self.name(owner),
            drift="missing" if self.op == "delete" else "changed",
            detail=", ".join(self.properties),
        )

    def name(self, owner: str) -> str:
        """As people know it: `overskill-apps/shop OVERSKILL_APP`, `*.overskill.com`."""
        named = next((self.inputs[key] for key in NAMES if self.inputs.get(key)), self.id)
        if "namespace" in self.inputs:
            return f"{self.inputs['namespace']}/{named}"
        if "repository" in self.inputs:
            return f"{owner}/{self.inputs['repository']} {named}"
        return f"{owner}/{named}" if self.type.endswith(":Repository") else named


NAMES = ("script", "secretName", "variableName", "environment", "keyName", "name", "title", "pattern", "hostname")
"""Inputs that say what a resource is called."""


def changes(steps: Iterable[Mapping[str, Any]]) -> list[Change]:
    """Those of the steps of a refresh (`metadata` of the engine's events) that found a difference."""
    found = []
    for step in steps:
        old = step.get("old") or step.get("new") or {}
        paths = step.get("detailedDiff") or {}
        properties = tuple(sorted({path.partition(".")[0].partition("[")[0] for path in paths}))
        found.append(
            Change(
                op=step["op"],
                type=step["type"],
                id=old.get("id", ""),
                inputs=old.get("inputs") or {},
                properties=properties or _differing(step),
            )
        )
    return found


def _differing(step: Mapping[str, Any]) -> tuple[str, ...]:
    """The outputs that differ, where the engine doesn't tell them apart."""
    old, new = ((step.get(side) or {}).get("outputs") or {} for side in ("old", "new"))
    return tuple(sorted(name for name in old.keys() & new.keys() if old[name] != new[name]))
