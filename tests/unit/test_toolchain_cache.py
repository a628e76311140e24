import io
import sys
import threading
import time
from pathlib import Path

import pytest

from overskill.toolchain.cache import Cache, Workspace
from overskill.toolchain.errors import ToolchainError


def build(workspace: Workspace) -> str:
    workspace.target.mkdir()
    (workspace.target / "program").write_text("it")
    return "made"


def test_a_part_is_made_once_and_then_found(tmp_path):
    cache = Cache(tmp_path / "cache")
    assert cache.find("part", "1") is None
    made = cache.install("part", "1", build)
    assert (made.name, made.version, made.how) == ("part", "1", "made")
    assert (made.path / "program").read_text() == "it"

    def unexpected(workspace: Workspace) -> str:
        raise AssertionError("built again")

    assert Cache(tmp_path / "cache").install("part", "1", unexpected) == made == cache.find("part", "1")


def test_a_failed_build_leaves_nothing_but_its_log(tmp_path):
    def fail(workspace: Workspace) -> str:
        build(workspace)
        workspace.log.parent.mkdir()
        workspace.log.write_text("why")
        raise RuntimeError("broken")

    cache = Cache(tmp_path)
    with pytest.raises(RuntimeError, match="broken"):
        cache.install("part", "1", fail)
    assert cache.find("part", "1") is None
    assert [file.name for file in tmp_path.iterdir() if not file.name.endswith(".lock")] == ["logs"]
    assert cache.install("part", "1", build).how == "made"


def test_what_a_killed_run_left_is_removed(tmp_path):
    cache = Cache(tmp_path)
    place = cache.install("part", "1", build).path
    left = tmp_path / f".{place.name}.staging-abc" / "part"
    place.rename(left.parent.with_name("moved"))
    left.mkdir(parents=True)
    assert cache.find("part", "1") is None
    cache.install("part", "1", build)
    assert not left.parent.exists()


def test_runs_at_once_build_once_and_the_second_says_that_it_waits(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stderr", shown := io.StringIO())
    built: list[Path] = []
    building, proceed = threading.Event(), threading.Event()

    def slow(workspace: Workspace) -> str:
        built.append(workspace.target)
        building.set()
        proceed.wait(5)
        return build(workspace)

    threads = [threading.Thread(target=Cache(tmp_path).install, args=("part", "1", slow)) for _ in range(2)]
    threads[0].start()
    building.wait(5)
    threads[1].start()
    while "Waiting for part 1 (another run is installing it)" not in shown.getvalue():
        time.sleep(0.005)
    proceed.set()
    for thread in threads:
        thread.join(5)
    assert len(built) == 1


def test_a_folder_that_cannot_be_written_is_named_with_the_way_out(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("OVERSKILL_CACHE", str(tmp_path / "file"))
    with pytest.raises(ToolchainError, match=rf"part 1 .*{tmp_path}/file[\s\S]*OVERSKILL_CACHE"):
        Cache().install("part", "1", build)
