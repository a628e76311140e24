"""The pipeline of every app's repository: its scripts under Node's own test runner, its workflow under two linters."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "app_template" / ".github" / "workflows" / "deploy-to-wfp.yml"


def passes(*command: str | Path) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_scripts():
    passes("node", "--test", *sorted((Path(__file__).parent / "pipeline").glob("*.test.mjs")))


def test_actionlint_finds_nothing():
    program = os.environ.get("OVERSKILL_ACTIONLINT")
    if not program:
        pytest.skip("OVERSKILL_ACTIONLINT names no actionlint binary")
    passes(program, WORKFLOW)


def test_zizmor_finds_nothing_even_as_a_pedant():
    passes(Path(sys.executable).parent / "zizmor", "--offline", "--pedantic", "--no-progress", WORKFLOW)


def test_both_linters_would_find_something(tmp_path):
    """A token in a shell line, by an input of whoever opens a pull request."""
    bad = tmp_path / ".github" / "workflows" / "bad.yml"
    bad.parent.mkdir(parents=True)
    bad.write_text(WORKFLOW.read_text().replace("npm run build", "npm run ${{ github.event.pull_request.title }}"))
    for linter in (os.environ.get("OVERSKILL_ACTIONLINT"), shutil.which("zizmor", path=Path(sys.executable).parent)):
        if linter:
            assert subprocess.run([linter, bad], capture_output=True, check=False).returncode != 0


def test_every_action_is_pinned_by_its_commit():
    uses = re.findall(r"uses: (\S+)", WORKFLOW.read_text())
    assert uses
    assert [one for one in uses if not re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", one)] == []
