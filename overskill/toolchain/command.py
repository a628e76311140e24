"""`overskill toolchain`: what this checkout runs on, and how each part was had."""

import json
from typing import Annotated

import typer

from overskill.project import Project
from overskill.toolchain import Toolchain


def toolchain(
    as_json: Annotated[bool, typer.Option("--json", help="Print the parts as JSON instead of a table.")] = False,
) -> None:
    """Install what is missing of the pinned toolchain, and show each part: its version, how it was had, where it is."""
    parts = [
        {"part": part.name, "version": part.version, "how": part.how, "path": str(part.path)}
        for part in Toolchain(Project().root).parts
    ]
    if as_json:
        print(json.dumps(parts, indent=2))
        return
    # No table of rich's: that one cuts paths to the width of the terminal, and paths are for copying.
    rows = [list(parts[0]), *(list(part.values()) for part in parts)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
