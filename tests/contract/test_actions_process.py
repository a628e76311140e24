"""Runs of a local cloud that is a process of its own, and is killed or stopped while they go on."""

import json
import time

import psutil
from contract_process import running
from contract_service import ACT, LocalCloud
from git_client import Clone

from overskill.checkout_copy import free_ports

WAITING = """
on: push
concurrency: one-at-a-time
jobs:
  wait:
    runs-on: ubuntu-latest
    steps:
      - run: echo "said before"; (setsid sleep 71 &); sleep 72
  never:
    needs: wait
    runs-on: ubuntu-latest
    steps: [{run: echo}]
"""
REPOSITORY = "/api/v3/repos/overskill/app"


def push(cloud, clone, seconds):
    path = clone.path / ".github" / "workflows" / "ci.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(WAITING.replace("72", seconds))
    clone.commit("Workflow")
    clone.git("push", "-q", "origin", "main")


def until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("in vain")


def sleeping():
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if (process.info["cmdline"] or [])[:1] == ["sleep"] and process.info["cmdline"][1] in {"71", "72", "73"}
    ]


def test_runs_that_are_cut_off_have_failed_and_what_waits_goes_on(workerd, tmp_path):
    state, (port,) = tmp_path / "state", free_ports(1)

    def runs(cloud):
        return cloud.api("GET", f"{REPOSITORY}/actions/runs").json()["workflow_runs"][::-1]

    def said(cloud, run):
        (job, *_) = cloud.api("GET", f"{REPOSITORY}/actions/runs/{run['id']}/jobs").json()["jobs"]
        log = cloud.api("GET", f"{REPOSITORY}/actions/jobs/{job['id']}/logs", follow_redirects=True).text
        return job["conclusion"], log

    with running(state, workerd, act=ACT, api=port) as cloud:
        cloud.api("POST", "/api/v3/orgs/overskill/repos", json={"name": "app", "auto_init": True})
        token = json.loads((state / "credentials.json").read_text())["github_token"]
        clone = Clone.of(f"{cloud.url.replace('://', f'://git:{token}@')}/overskill/app.git", tmp_path / "clone")
        push(cloud, clone, "72")
        until(lambda: len(sleeping()) == 2)
        push(cloud, clone, "0")
        assert [run["status"] for run in runs(cloud)] == ["in_progress", "pending"]
        cloud.process.kill()
        cloud.process.wait()
    with running(state, workerd, act=ACT, api=port) as cloud:
        assert not sleeping()
        first, _ = runs(cloud)
        assert (first["status"], first["conclusion"]) == ("completed", "failure")
        conclusion, log = said(cloud, first)
        assert conclusion == "failure"
        assert "said before" in log
        assert "##[error]The local cloud ended" in log
        until(lambda: runs(cloud)[1]["conclusion"] == "success")
        push(cloud, clone, "73")
        until(lambda: len(sleeping()) == 2)
        cloud.process.terminate()
        assert cloud.process.wait(20) == 0
        assert not sleeping()
    with running(state, workerd, api=port) as cloud:
        assert [run["conclusion"] for run in runs(cloud)] == ["failure", "success", "failure"]
        push(cloud, clone, "0.0")
        until(lambda: runs(cloud)[3]["conclusion"] == "failure")
        assert "start it with --act PATH" in said(cloud, runs(cloud)[3])[1]
        assert not list((state / "actions").glob("runs/*"))


def test_what_a_snapshot_cuts_off_has_failed_and_is_ended(local, tmp_path):
    with LocalCloud.run(tmp_path) as cloud:
        credentials = cloud.cloud.credentials
        github = {"Authorization": f"Bearer {credentials.github_token}"}
        own = {"Authorization": f"Bearer {credentials.cloudflare_token}"}
        body = {"name": "app", "auto_init": True}
        cloud.client.post("/api/v3/orgs/overskill/repos", headers=github, json=body).raise_for_status()
        base = cloud.client.base_url
        address = f"http://git:{credentials.github_token}@{base.host}:{base.port}/overskill/app.git"
        push(cloud, Clone.of(address, tmp_path / "clone"), "72")
        until(lambda: len(sleeping()) == 2)
        cloud.client.post("/_local/snapshots/during", headers=own).raise_for_status()
        cloud.client.post("/_local/snapshots/during/restore", headers=own).raise_for_status()
        until(lambda: not sleeping())
        (run,) = cloud.client.get(f"{REPOSITORY}/actions/runs", headers=github).json()["workflow_runs"]
        assert (run["status"], run["conclusion"]) == ("completed", "failure")
        cloud.client.post("/_local/reset", headers=own).raise_for_status()
        assert cloud.client.get(f"{REPOSITORY}/actions/runs", headers=github).status_code == 404
