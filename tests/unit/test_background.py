"""Servers beside a command: they outlast the job of a workflow that has started them."""

import os
import sys
from pathlib import Path

import psutil
import pytest

from local_cloud.actions import processes
from overskill import background

JOB = "the job of this test"
SLEEPS = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(60)"


class Sleeper:
    """A process that writes its pid, and sleeps."""

    name = "the sleeper"

    def __init__(self, folder: Path) -> None:
        self.log, self.pid_file = folder / "log", folder / "pid"

    def process(self) -> psutil.Process | None:
        return background.running(self.pid_file, str(self.pid_file))


@pytest.fixture
def sleeper(tmp_path):
    made = Sleeper(tmp_path)
    yield made
    background.stop(made.process())


@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_a_runner_that_ends_what_its_job_has_left_finds_no_server(sleeper):
    command = [sys.executable, "-c", SLEEPS, str(sleeper.pid_file)]
    environment = {**os.environ, "RUNNER_TRACKING_ID": JOB}
    background.start(sleeper, command, environment, answers=lambda: sleeper.process() is not None, ports="nothing")
    processes.end(JOB)
    assert sleeper.process() is not None
