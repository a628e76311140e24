"""What a rebuild came to: as tables for people, and as JSON."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from control_plane.rebuilding import Miss
from overskill.fleet.limits import PUBLISHED, SHARE, Limit
from overskill.progress import duration

SCALE = 50_000
"""Apps, for which the limits of the APIs are counted out."""

MOST = 20
"""Rows of a table; the JSON has all."""


@dataclass(frozen=True)
class Bound:
    """So many apps like these: their calls, and the seconds that a limit makes of them, if nothing else took time."""

    apps: int
    calls: int
    seconds: float
    limit: str


def bound(calls: int, apps: float, limits: Sequence[Limit] = PUBLISHED) -> Bound:
    """By the limits of Cloudflare's, of which a share is left to others with the same token."""
    needed = math.ceil(SCALE * calls / apps) if apps else 0
    held = [
        (Limit(limit.name, limit.kind, math.floor(limit.calls * SHARE), limit.seconds).soonest(needed), limit.name)
        for limit in limits
        if limit.kind == "cloudflare"
    ]
    seconds, name = max(held)
    return Bound(SCALE, needed, seconds, name)


@dataclass
class Report:
    """`rebuilt` are scripts that serve their own content, `pages` those that were never deployed, `before` those that
    an earlier run of the same rebuild has made. `failed` has the causes by script; `proofs`, how many were known to
    serve what they shall by what. `slowest`: seconds until the slowest of them did."""

    into: str
    apps: int = 0
    rebuilt: int = 0
    pages: int = 0
    before: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    misses: list[Miss] = field(default_factory=list)
    proofs: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    calls: int = 0
    slowest: float = 0.0

    @property
    def scripts(self) -> int:
        return self.rebuilt + self.pages + self.before + len(self.failed)

    @property
    def bound(self) -> Bound | None:
        """None: nothing was made, so that nothing is known of the calls."""
        made = self.rebuilt + self.pages
        return bound(self.calls, self.apps * made / self.scripts) if made else None

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "scripts": self.scripts, "extrapolation": self.bound and asdict(self.bound)}

    def show(self, console: Console) -> None:
        made = f"{self.rebuilt} are what was deployed to them, {self.pages} the bootstrap page"
        earlier = f", {self.before} were made before" if self.before else ""
        console.print(
            f"{self.scripts} scripts of {self.apps} apps in {self.into}: {made}{earlier}, {len(self.failed)} failed; "
            f"{duration(self.seconds)}, {self.calls} calls of Cloudflare"
        )
        if self.proofs:
            console.print(f"looked at: {', '.join(f'{proof}: {count}' for proof, count in self.proofs.items())}")
        _table(console, ("failed", "why"), self.failed.items())
        _table(console, ("script", "misses", "which comes back by"), ((m.script, m.what, m.mend) for m in self.misses))
        if self.bound:
            hours = self.bound.seconds / 3600
            console.print(
                f"{self.bound.apps:,} apps like these take {self.bound.calls:,} calls: {hours:.1f} h at the soonest, "
                f"by {self.bound.limit}, of which {SHARE:.0%} are used"
            )


def _table(console: Console, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    found = list(rows)
    if not found:
        return
    table = Table(*heads, box=None, pad_edge=False)
    for row in found[:MOST]:
        table.add_row(*map(escape, row))
    console.print(table)
    if len(found) > MOST:
        console.print(f"and {len(found) - MOST} more: --json has all")
