"""The engine itself on a small program, with a state of its own: seconds a run, and no cloud."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from overskill.engine import ALWAYS
from overskill.project import Project

PROGRAM = 'import pulumi\npulumi.export("key", pulumi.Output.secret("planted-secret"))\n'


def checkout(folder: Path, stack_file: str = "config: {}\n") -> Project:
    """One with the program, and the stack `prod`."""
    made = Project(folder / "checkout")
    made.root.mkdir()
    (made.root / "Pulumi.yaml").write_text("name: overskill\nruntime: python\n")
    (made.root / "__main__.py").write_text(PROGRAM)
    (made.root / "Pulumi.prod.yaml").write_text(stack_file)
    return made


def engine_environment(folder: Path, **more: str) -> dict[str, str]:
    """That of somebody with no state but the one in `folder`/state, and no passphrase."""
    if not shutil.which("pulumi"):
        pytest.skip("no pulumi is on PATH")
    (folder / "state").mkdir()
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")}
    return {
        **inherited,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        **ALWAYS,
        **more,
    }
