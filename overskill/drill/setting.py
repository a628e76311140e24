"""What each kind of drill is given."""

import random
from dataclasses import dataclass
from pathlib import Path

from overskill.drill.cloud import Cloud
from overskill.drill.row import Row


@dataclass(frozen=True, kw_only=True)
class Setting:
    """`folder` is for this run alone; `rows` take up the drills; `quick` asks for a few of them."""

    cloud: Cloud
    folder: Path
    rows: list[Row]
    chance: random.Random
    quick: bool
