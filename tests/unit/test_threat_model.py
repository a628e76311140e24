"""The threat model: each test that it names is there, and each of its rows names one."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text()


def test_each_test_that_it_names_is_there():
    named = re.findall(r"`(\w+/\w+\.py)::(test_\w+)`", PAGE)
    assert named
    missing = [f"{file}::{name}" for file, name in named if f"def {name}(" not in _text(file)]
    assert missing == []


def test_each_attack_names_the_test_that_shows_it():
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| wants")]
    assert rows
    assert [row for row in rows if "::test_" not in row] == []


def _text(file: str) -> str:
    path = ROOT / "tests" / file
    return path.read_text() if path.exists() else ""
