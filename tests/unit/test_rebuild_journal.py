"""How far a rebuild is, whatever has ended it."""

import os
from pathlib import Path
from unittest.mock import MagicMock

from control_plane.rebuilding import Item, Rebuilt
from overskill.rebuild.journal import Journal

DONE = Rebuilt(seconds=1, calls=3, proof="serves its own file")


def item(script: str) -> Item:
    return Item(target=MagicMock(script=script), bundle=f"of-{script}", files=0, older=False, secrets=())


def test_what_a_kill_has_cut_off_is_done_again_and_nothing_else_is(tmp_path: Path) -> None:
    for script in ("one", "two"):
        Journal(tmp_path, anew=False).note(item(script), DONE)
    (file,) = tmp_path.iterdir()
    os.truncate(file, file.stat().st_size - 10)
    second = Journal(tmp_path, anew=False)
    assert [second.has(item(script)) for script in ("one", "two")] == [True, False]
    second.note(item("three"), DONE)
    third = Journal(tmp_path, anew=False)
    assert [third.has(item(script)) for script in ("one", "two", "three")] == [True, False, True]


def test_a_journal_of_half_a_line_is_empty(tmp_path: Path) -> None:
    Journal(tmp_path, anew=False).note(item("one"), DONE)
    (file,) = tmp_path.iterdir()
    os.truncate(file, 5)
    Journal(tmp_path, anew=False).note(item("two"), DONE)
    assert Journal(tmp_path, anew=False).has(item("two"))
