"""Whose lock is taken off a stack, with the engine itself: a dead one's of this machine, and nobody else's."""

import json
import os
import shlex
import socket
import subprocess
from pathlib import Path

import pytest
from real_engine import checkout, engine_environment

from overskill.backend import Backend
from overskill.engine import Engine
from overskill.errors import CommandError
from overskill.locks import living_holder, unlocked
from overskill.recovery import require_whole_state

DEAD = 2**22 + 1
"""No process has more than 2**22 on Linux."""
LOCKS = ".pulumi/locks/organization/overskill/prod"


class Elsewhere(Engine):
    """Whose state is in no files, as far as this side knows: the engine alone tells of locks."""

    @property
    def backend(self) -> Backend:
        return Backend("s3://bucket", self.folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Engine:
    """The engine of a real stack, `prod`."""
    folder = tmp_path_factory.mktemp("locks")
    project = checkout(folder)
    made = Engine(project, project.root, engine_environment(folder, PULUMI_CONFIG_PASSPHRASE="x"))
    made.make("prod")
    return made


@pytest.fixture(params=[Engine, Elsewhere])
def engine(made, request) -> Engine:
    return request.param(made.project, made.folder, made.environment)


def lock(engine: Engine, pid: int, host: str | None = None) -> Path:
    made = {"pid": pid, "username": "anna", "hostname": host or socket.gethostname()}
    state = Path(engine.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    file = state / LOCKS / "1.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({**made, "timestamp": "2026-11-30T00:00:00Z"}))
    return file


def refresh(engine: Engine):
    """A run that takes the lock, and is as short as one can be."""
    return unlocked(engine, "prod", lambda: engine._operate("refresh", "prod", "--yes", "--skip-preview"))


def test_a_dead_engines_lock_is_taken_off(engine):
    file = lock(engine, DEAD)
    assert living_holder(engine, "prod") is None
    outcome = refresh(engine)
    assert outcome.ok, outcome.failure()
    assert not file.exists()


def test_a_living_engines_lock_stays(engine):
    file = lock(engine, os.getpid())
    with pytest.raises(CommandError, match=f"stack prod is being changed by process {os.getpid()}: wait"):
        refresh(engine)
    assert living_holder(engine, "prod") == (os.getpid() if type(engine) is Engine else None)
    file.unlink()


def test_another_machines_lock_is_its_users_to_take_off(engine):
    """Nobody here knows whether that process lives."""
    file = lock(engine, DEAD, "runner-7")
    with pytest.raises(CommandError, match=rf"locked by anna@runner-7 \(process {DEAD}\): wait for it to end") as told:
        refresh(engine)
    program, *words = shlex.split(str(told.value).rpartition("if it was killed: ")[2])
    assert (program, file.exists()) == ("./dev", True)
    subprocess.run(words, cwd="/", env=engine.environment, check=True, capture_output=True)
    assert not file.exists()


def test_a_lock_that_was_cut_short_is_taken_off(made):
    file = lock(made, DEAD)
    file.write_text("")
    assert refresh(made).ok


def test_what_failed_for_something_else_is_not_run_again(made):
    runs = []
    outcome = unlocked(made, "none", lambda: runs.append(1) or made.preview_refresh("none"))
    assert (outcome.ok, len(runs)) == (False, 1)


def test_the_local_clouds_locks_are_this_machines_whatever_its_name(made, monkeypatch):
    """A container that is made again has another one."""
    file = lock(made, DEAD, "before")
    monkeypatch.setattr("overskill.project.Project.backend", made.backend.folder)
    assert refresh(made).ok
    assert not file.exists()


def test_a_real_stacks_state_is_looked_at_too(made):
    (file,) = made.backend.folder.glob(".pulumi/stacks/*/prod.json")
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CommandError, match=f"{file} is damaged"):
        require_whole_state(made, "prod")
    file.write_bytes(whole)


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("file:///srv/a%20state?metadata=skip", "/srv/a state"),
        ("file://~", "HOME"),
        ("file://~/state", "HOME/state"),
        ("file://.", "/start"),
        ("file://../state", "/state"),
        ("s3://bucket/state?region=us-east-1", None),
        ("https://api.pulumi.com", None),
    ],
)
def test_the_folder_of_a_state(url, folder, monkeypatch):
    monkeypatch.setattr("pwd.getpwuid", lambda _: type("Entry", (), {"pw_dir": "/home/anna"}))
    monkeypatch.setenv("HOME", "/elsewhere")
    expected = folder and Path(folder.replace("HOME", "/home/anna"))
    assert Backend(url, Path("/start")).folder == expected


def test_after_a_login_the_state_is_where_that_says(made):
    environment = {key: value for key, value in made.environment.items() if key != "PULUMI_BACKEND_URL"}
    asked = Engine(made.project, made.folder, environment)
    asked.capture("login", made.backend.url)
    assert asked.backend == made.backend
