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
    child = subprocess.Popen(sys.argv[2:], pass_fds=[lease], start_new_session=True)
    print(child.pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def lock(tmp_path) -> Path:
    return tmp_path / "lock"


def killed_run(lock: Path, child: str, seconds: int) -> None:
    """A run that is killed while a child of it, the program `child`, sleeps for so long."""
    words = [sys.executable, "-c", RUN, str(lock), child, str(seconds)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as run:
        run.stdout.readline()
        run.kill()


def test_a_run_waits_for_the_engine_that_a_killed_one_has_left(lock, tmp_path, capsys):
    engine = tmp_path / "pulumi"
    engine.symlink_to("/bin/sleep")
    began = time.monotonic()
    killed_run(lock, str(engine), 3)
    with leased(lock):
        assert time.monotonic() - began >= 3
    assert "waiting for another fleet run" in capsys.readouterr().err


def test_a_plugin_whose_engine_is_dead_is_ended(lock):
    killed_run(lock, "sleep", 60)
    began = time.monotonic()
    with leased(lock):
        assert time.monotonic() - began < 30


def test_the_next_run_has_it_at_once(lock, capsys):
    for _ in range(2):
        with leased(lock):
            pass
    assert capsys.readouterr().err == ""
