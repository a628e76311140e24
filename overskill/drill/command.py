"""`overskill drill`: each kind of fault by its name, or all of them; a table of how each ended, or JSON."""

import json
import random
import sys
import tempfile
from collections import Counter
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from overskill.drill.cloud import running
from overskill.drill.page import written
from overskill.drill.row import Row
from overskill.drill.setting import Setting
from overskill.errors import CommandError
from overskill.local_cloud_process import Programs
from overskill.project import Project
from overskill.toolchain import Toolchain

DRILLS = ("calls", "kills", "disks", "networks", "clocks", "files", "engine")
"""Each is a module of this package; no other command has to load what they need."""

COLUMNS = 160
"""Where there is no terminal."""


def drill(
    name: Annotated[str | None, typer.Argument(help=f"{', '.join(DRILLS)}. [default: all]")] = None,
    *,
    seed: Annotated[int, typer.Option(help="Of what is left to chance.")] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="A few of each.")] = False,
    page: Annotated[Path | None, typer.Option(help="Write the table there too, as Markdown.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each drill as a line of JSON.")] = False,
) -> None:
    """Let things go wrong on purpose, on a local cloud of its own; fails where one of them ends wrong."""
    if name is not None and name not in DRILLS:
        raise CommandError(f"there is no drill {name}; there are {', '.join(DRILLS)}")
    programs, rows = Programs.of(Toolchain(Project().root)), list[Row]()
    with (
        redirect_stdout(sys.stderr),
        tempfile.TemporaryDirectory(prefix="overskill-drill-") as folder,
        running(programs, Path(folder), seed) as cloud,
    ):
        for one in DRILLS if name is None else [name]:
            chance = random.Random(seed)  # noqa: S311 - chance that can be repeated
            setting = Setting(cloud=cloud, folder=Path(folder), rows=rows, chance=chance, quick=quick)
            try:
                import_module(f"overskill.drill.{one}").drill(setting)
            except CommandError as error:  # it could not be set up: the others are not to wait for it
                rows.append(Row(drill=one, place="", fault="none yet", end="wrong", told=str(error), seconds=0))
    if page:
        page.write_text(written(rows, seed))
    if as_json:
        print("\n".join(json.dumps(row.shown()) for row in rows))
    else:
        _show(rows)
    if wrong := sum(row.end == "wrong" for row in rows):
        raise CommandError(f"{wrong} of {len(rows)} drills ended wrong")


def _show(rows: list[Row]) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else COLUMNS)
    table = Table("drill", "where", "what went wrong", "ended", "told", "s", box=None, pad_edge=False)
    for row in rows:
        table.add_row(row.drill, row.place, row.fault, row.end, row.told, f"{row.seconds:.1f}")
    console.print(table)
    ends = Counter(row.end for row in rows)
    console.print(f"{len(rows)} drills: {', '.join(f'{number} {end}' for end, number in ends.most_common())}")
