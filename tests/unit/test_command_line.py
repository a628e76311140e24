"""The command line starts in tenths of a second: what a command needs is imported with it alone."""

import subprocess
import sys
from pathlib import Path

HEAVY = ("alembic", "fastapi", "pulumi", "sqlalchemy")


def test_to_start_it_imports_no_framework():
    asked = f"import sys, overskill.cli; print([name for name in {HEAVY} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", asked], cwd=Path(__file__).parents[2], capture_output=True, check=True)
    assert run.stdout == b"[]\n"
