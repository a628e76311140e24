"""From a machine that has python3, git and the registries to a page, by `./dev up` alone."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import copy_project

FIRST_UP_SECONDS = 12 * 60
SECOND_UP_SECONDS = 20


def bare_path(folder: Path) -> str:
    """A PATH with the system's basic programs and python3: no Pulumi, Go, Node, make or docker."""
    folder.mkdir()
    for name in os.listdir("/usr/bin"):
        if name not in {"pulumi", "go", "gofmt", "node", "npm", "npx", "make", "docker"}:
            (folder / name).symlink_to(Path("/usr/bin") / name)
    (folder / "python3").unlink(missing_ok=True)
    (folder / "python3").symlink_to(Path(sys.base_prefix) / "bin" / "python3")
    return str(folder)


@pytest.mark.slow
def test_dev_up_on_a_clean_machine(tmp_path):
    root = tmp_path / "checkout"
    copy_project(root)
    # The rest of the environment stays: it says how this machine reaches the registries.
    environment = os.environ | {"PATH": bare_path(tmp_path / "bin"), "OVERSKILL_CACHE": str(tmp_path / "cache")}
    assert shutil.which("go", path=environment["PATH"]) is None

    def dev(*arguments: str) -> tuple[str, float]:
        started = time.monotonic()
        run = subprocess.run(
            [root / "dev", *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout, time.monotonic() - started

    try:
        output, seconds = dev("up", "--detach")
        assert len(re.findall(r" 200  http://", output)) == 4
        assert seconds < FIRST_UP_SECONDS
        dev("down")
        output, seconds = dev("up", "--detach")
        assert len(re.findall(r" 200  http://", output)) == 4
        assert seconds < SECOND_UP_SECONDS
        assert "complete" in dev("app", "list")[0]
    finally:
        dev("down")
