"""The lease: held by a run and its engines, and by nothing that outlives them."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from overskill.fleet.lease import leased

RUN = """
import subprocess, sys, time
from pathlib import Path
from overskill.fleet.lease import leased
with leased(Path(sys.argv[1])) as lease:
    child = subprocess.Popen([sys.argv[2], "3"], pass_fds=[lease], start_new_session=True)
    print(child.pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def lock(tmp_path) -> Path:
    return tmp_path / "lock"


def killed_run(lock: Path, child: str) -> int:
    """A run that is killed while a child of it, the program `child`, sleeps for three seconds; the child's pid."""
    with subprocess.Popen([sys.executable, "-c", RUN, str(lock), child], stdout=subprocess.PIPE, text=True) as run:
        pid = int(run.stdout.readline())
        run.kill()
    return pid


def test_a_run_waits_for_the_engine_that_a_killed_one_has_left(lock, tmp_path, capsys):
    engine = tmp_path / "pulumi"
    engine.symlink_to("/bin/sleep")
    killed_run(lock, str(engine))
    began = time.monotonic()
    with leased(lock):
        assert time.monotonic() - began > 2
    assert "waiting for another fleet run" in capsys.readouterr().err


def test_a_plugin_whose_engine_is_dead_is_ended(lock):
    killed_run(lock, "sleep")
    began = time.monotonic()
    with leased(lock):
        assert time.monotonic() - began < 2


def test_the_next_run_has_it_at_once(lock, capsys):
    for _ in range(2):
        with leased(lock):
            pass
    assert capsys.readouterr().err == ""
