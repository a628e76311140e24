"""The linters, as tests: what they hold is part of the design."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command", [["ruff", "check"], ["ruff", "format", "--check"], ["lint-imports", "--no-cache"]], ids=" ".join
)
def test_linter(command):
    run = subprocess.run([BIN / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_modules_stay_small():
    packages = ("app_stacks", "infra", "local_cloud", "overskill", "policies")
    modules = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    long = {
        str(path.relative_to(ROOT)): lines for path in modules if (lines := len(path.read_text().splitlines())) > 300
    }
    assert modules
    assert long == {}


def test_the_dispatch_worker_stays_small():
    """One Worker carries all traffic: it is to be read in one sitting."""
    modules = [*(ROOT / "dispatch_worker" / "src").iterdir()]
    assert modules
    assert sum(len(module.read_text().splitlines()) for module in modules) < 600
