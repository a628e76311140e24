"""What a check finds, and the table of all findings."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

Level = Literal["ok", "warning", "error", "unchecked"]

MARKS: dict[Level, tuple[str, str]] = {
    "ok": ("✓", "green"),
    "warning": ("!", "yellow"),
    "error": ("✗", "red"),
    "unchecked": ("-", "dim"),
}
EXIT_CODES = {"error": 1, "warning": 3}
"""By the gravest finding; 0 where there is neither."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`check` is what was looked at; `remedy` what mends it. `unchecked`: another finding stands in the way."""

    level: Level
    check: str
    detail: str
    remedy: str = ""


def ok(check: str, detail: str) -> Finding:
    return Finding(level="ok", check=check, detail=detail)


def warning(check: str, detail: str, remedy: str) -> Finding:
    return Finding(level="warning", check=check, detail=detail, remedy=remedy)


def error(check: str, detail: str, remedy: str) -> Finding:
    return Finding(level="error", check=check, detail=detail, remedy=remedy)


def unchecked(check: str, detail: str) -> Finding:
    return Finding(level="unchecked", check=check, detail=detail)


def exit_code(findings: Iterable[Finding]) -> int:
    levels = {finding.level for finding in findings}
    return next((code for level, code in EXIT_CODES.items() if level in levels), 0)


def show(findings: Sequence[Finding], console: Console) -> None:
    """One row a finding, its remedy below the detail, and nothing cut off; then how many there are of each level."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for _ in range(3):
        table.add_column(overflow="fold")
    for finding in findings:
        mark, style = MARKS[finding.level]
        told = Text(finding.detail)
        if finding.remedy:
            told.append(f"\n→ {finding.remedy}", style="bold")
        table.add_row(Text(mark, style=style), Text(finding.check), told)
    console.print(table)
    counted = Counter(finding.level for finding in findings)
    console.print(", ".join(f"{counted[level]} {level}" for level in MARKS if counted[level]))
