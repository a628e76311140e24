"""Undoing and making again by the command line alone: a rollback, a pin, lost scripts, a backup of it all."""

import json
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Checkout

APP, HOST = "ultrathink", "ultrathink.overskill.localhost"
SECONDS = 240
"""For a run of the pipeline, with an npm cache that is cold at first."""


def served(up: Checkout) -> str:
    """The commit that the app's address says it is; empty where it does not."""
    answer = up.page(HOST, "/.well-known/overskill.json")
    return answer.json()["commit"] if answer.is_success and answer.headers["content-type"].startswith("app") else ""


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.2)


def git(folder: Path, *words: str) -> str:
    run = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def push(clone: Path, headline: str) -> str:
    page = clone / "src" / "App.tsx"
    page.write_text(re.sub(r'HEADLINE = ".*"', f'HEADLINE = "{headline}"', page.read_text()))
    git(clone, "commit", "--all", "--quiet", "-m", headline)
    git(clone, "push", "--quiet", "origin", "HEAD:main")
    return git(clone, "rev-parse", "HEAD")


def runs(up: Checkout) -> list[dict]:
    return up.api("GET", f"/api/v3/repos/overskill-apps/{APP}/actions/runs").json()["workflow_runs"]


@pytest.mark.slow
def test_an_app_goes_back_stays_there_is_lost_and_made_again(checkout: Checkout, tmp_path: Path) -> None:
    up = checkout
    up.run("up", "--detach")
    token = up.cloud.credentials()["github_token"]
    url = f"http://git:{token}@127.0.0.1:{up.cloud.api_port}/overskill-apps/{APP}.git"
    git(tmp_path, "clone", "--quiet", url, "clone")
    clone = tmp_path / "clone"
    for key, value in {"user.name": "Anna", "user.email": "anna@example.com"}.items():
        git(clone, "config", key, value)
    first = push(clone, "A first idea")
    until(lambda: served(up) == first)
    until(lambda: runs(up)[0]["status"] == "completed")
    second = push(clone, "A bad idea")
    until(lambda: served(up) == second)
    until(lambda: runs(up)[0]["status"] == "completed")

    began = time.monotonic()
    told = up.run("app", "rollback", APP, "--pin")
    print(f"rollback: {time.monotonic() - began:.1f} s from the command to its end; {told}")
    assert "live after" in told
    assert served(up) == first
    push(clone, "Another one")
    until(lambda: len(runs(up)) == 3 and runs(up)[0]["status"] == "completed")
    assert runs(up)[0]["conclusion"] == "failure"
    assert served(up) == first
    assert "deployed to again" in up.run("app", "unpin", APP)
    third = push(clone, "A good idea")
    until(lambda: served(up) == third)
    until(lambda: runs(up)[0]["status"] == "completed")

    for environment, script in {"production": APP, "staging": f"staging-{APP}", "preview": f"preview-{APP}"}.items():
        path = up.account(f"dispatch/namespaces/overskill-development-{environment}/scripts/{script}")
        assert up.api("DELETE", path).is_success
    until(lambda: served(up) == "")
    assert "3 scripts of 1 apps" in up.run("rebuild", "--into", "local", "--dry-run")
    output = up.run("rebuild", "--into", "local", "--json")
    report = json.loads(output[output.index("{") : output.rindex("}") + 1])
    print(f"rebuild: {report}")
    assert (report["rebuilt"], report["pages"], report["failed"], report["misses"]) == (1, 2, {}, [])
    assert served(up) == third
    up.drift(f"local.{APP}", 0)

    assert "0 removed" in up.run("previews", "clean")
    file = tmp_path / "backup.tar.gz"
    anchor = re.search(r"audit: (\S+);", up.run("backup", "create", str(file)))
    assert "the control plane of local runs" in up.run("backup", "restore", str(file), code=1)
    up.run("down")
    assert "--force" in up.run("backup", "restore", str(file), code=1)
    assert "restored" in up.run("backup", "restore", str(file), "--force")
    up.run("audit", "verify", "--anchor", anchor[1])
    up.run("up", "--detach")
    assert served(up) == third
    assert "live after" in up.run("app", "rollback", APP)
