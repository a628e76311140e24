"""The local cloud as a process, with a real workerd: start, stop, kill, and what its files hold."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time

import httpx
import psutil
import pytest
from contract_process import ACCOUNT, Process, running
from contract_service import upload
from git_client import run

from local_cloud.ports import listen
from overskill.checkout_copy import free_ports

PLANTED = "planted-secret-b1946ac92492d2347c6235b4d2611184"


def test_it_starts_serves_and_stops(workerd, tmp_path):
    with running(tmp_path / "state", workerd) as cloud:
        assert httpx.get(f"{cloud.url}/_local/health").json() == {"api": "ready", "edge": "ready"}
        workerds = cloud.workerds()
        assert len(workerds) == 2
        second = Process(cloud.state, workerd)
        assert second.process.wait(20) == 1
        second.close()
        assert f"is in use by another local cloud, process {cloud.process.pid}" in cloud.log()
        cloud.process.send_signal(signal.SIGINT)
        assert cloud.process.wait(20) == 0
        assert not any(process.is_running() for process in workerds)
    with running(tmp_path / "state", workerd) as cloud:
        cloud.process.terminate()
        assert cloud.process.wait(20) == 0


@pytest.mark.parametrize("which", ["api", "edge"])
def test_a_busy_port_is_named_with_its_holder(workerd, tmp_path, which):
    with listen(0, "") as listener:
        port = listener.getsockname()[1]
        cloud = Process(tmp_path / "state", workerd, **{which: port})
        assert cloud.process.wait(20) == 1
        cloud.close()
    last = cloud.log().splitlines()[-1]
    assert f"127.0.0.1:{port}" in last
    assert f"process {os.getpid()}" in last
    assert f"--{which}-port" in last


def test_kill_9_loses_nothing_that_was_answered(workerd, tmp_path):
    state, scripts = tmp_path / "state", f"/client/v4/accounts/{ACCOUNT}/workers/scripts"
    ports = dict(zip(("api", "edge"), free_ports(2), strict=True))
    with running(state, workerd, **ports) as cloud:
        source = "export default { fetch() { return new Response('alive'); } };"
        cloud.api("PUT", f"{scripts}/kept", files=upload({}, index=source))
        cloud.api("POST", f"{scripts}/kept/subdomain", json={"enabled": True})
        cloud.api("POST", "/api/v3/orgs/overskill/repos", json={"name": "kept", "auto_init": True})
        orphans = cloud.workerds()
        cloud.process.kill()
        cloud.process.wait()
        assert sum(orphan.is_running() for orphan in orphans) >= 2  # those that were replaced linger for a second
    stray = state / "repositories" / "overskill" / "stray.git"
    stray.mkdir()
    with running(state, workerd, **ports) as cloud:
        assert not any(orphan.is_running() and orphan.status() != psutil.STATUS_ZOMBIE for orphan in orphans)
        headers = {"Host": "kept.overskill.workers.localhost"}
        assert httpx.get(cloud.edge_url, headers=headers, trust_env=False).text == "alive"
        assert cloud.api("GET", "/api/v3/repos/overskill/kept").json()["name"] == "kept"
        assert not stray.exists()


KEEPER = """
export default { async fetch(request, env) {
  const key = new URL(request.url).pathname.slice(1);
  const before = await env.KV.get(key);
  await env.KV.put(key, "by the Worker");
  env.AE.writeDataPoint({ indexes: [key] });
  return new Response(before);
} };
"""


def test_a_workers_data_are_the_apis_and_in_snapshots(workerd, tmp_path):
    account = f"/client/v4/accounts/{ACCOUNT}"
    with running(tmp_path / "state", workerd) as cloud:
        made = cloud.api("POST", f"{account}/storage/kv/namespaces", json={"title": "kept"}).json()["result"]
        value = f"{account}/storage/kv/namespaces/{made['id']}/values/key"
        bindings = [
            {"type": "kv_namespace", "name": "KV", "namespace_id": made["id"]},
            {"type": "analytics_engine", "name": "AE", "dataset": "usage"},
        ]
        cloud.api("PUT", f"{account}/workers/scripts/keeper", files=upload({"bindings": bindings}, index=KEEPER))
        cloud.api("POST", f"{account}/workers/scripts/keeper/subdomain", json={"enabled": True})
        cloud.api("PUT", value, content=b"by the API")
        cloud.api("POST", "/_local/snapshots/before")

        def ask() -> str:
            headers = {"Host": "keeper.overskill.workers.localhost"}
            return httpx.get(f"{cloud.edge_url}/key", headers=headers, trust_env=False).text

        def found(query: bytes) -> list[dict[str, str]]:
            with contextlib.suppress(httpx.HTTPStatusError):  # a dataset is no table before its first point
                return cloud.api("POST", f"{account}/analytics_engine/sql", content=query).json()["data"]
            return []

        def tables() -> list[dict[str, str]]:
            return found(b"SHOW TABLES")

        assert [ask(), ask()] == ["by the API", "by the Worker"]
        assert cloud.api("GET", value).text == "by the Worker"
        deadline = time.monotonic() + 30
        while len(found(b"SELECT index1 FROM usage")) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert tables() == [{"dataset": "usage"}]
        cloud.api("POST", "/_local/snapshots/before/restore")
        assert cloud.api("GET", value).text == "by the API"
        assert tables() == []
        assert ask() == "by the API"


def test_a_worker_that_does_not_start_is_refused(workerd, tmp_path):
    with running(tmp_path / "state", workerd) as cloud, pytest.raises(httpx.HTTPStatusError) as error:
        path = f"/client/v4/accounts/{ACCOUNT}/workers/scripts/broken"
        cloud.api("PUT", path, files=upload({}, index="export default {"))
    (problem,) = error.value.response.json()["errors"]
    assert problem["code"] == 10021
    assert "SyntaxError" in problem["message"]


def test_no_file_and_no_log_holds_a_secret(workerd, tmp_path):
    with running(tmp_path / "state", workerd) as cloud:
        workers = f"/client/v4/accounts/{ACCOUNT}/workers"
        cloud.api("POST", f"{workers}/dispatch/namespaces", json={"name": "apps"})
        bindings = [{"type": "secret_text", "name": "TOKEN", "text": PLANTED}]
        for path in (f"{workers}/dispatch/namespaces/apps/scripts/app", f"{workers}/scripts/dispatch"):
            cloud.api("PUT", path, files=upload({"bindings": bindings}))
        cloud.api("GET", f"{workers}/scripts/dispatch/settings", params={"unused": PLANTED})
        cloud.api("POST", "/api/v3/orgs/overskill/repos", json={"name": "app"})
        config = {"url": "http://127.0.0.1:9/", "secret": PLANTED}
        cloud.api("POST", "/api/v3/repos/overskill/app/hooks", json={"config": config, "events": ["push"]})
        token = json.loads((cloud.state / "credentials.json").read_text())["github_token"]
        assert run("ls-remote", cloud.url.replace("//", f"//git:{token}@") + "/overskill/app.git").code == 0
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert {"cloud.sqlite3", "cloud.sqlite3-wal", "requests.log", "stderr"} <= {path.name for path in files}
        assert [path for path in files if PLANTED.encode() in path.read_bytes()] == []
        secret = re.compile(r".*_(?:token|key)")
        credentials = json.loads((cloud.state / "credentials.json").read_text())
        secrets = [value for name, value in credentials.items() if secret.fullmatch(name)]
        assert len(secrets) == 4
        for path in files:
            if path.name != "credentials.json":
                assert not any(value.encode() in path.read_bytes() for value in secrets)
        for name in ("credentials.json", "secret.key"):
            assert (cloud.state / name).stat().st_mode & 0o777 == 0o600
        assert "GET " + f"{workers}/scripts/dispatch/settings 200" in (cloud.state / "requests.log").read_text()


@pytest.mark.parametrize(
    ("listen", "others"),
    [("127.0.0.1", False), ("0.0.0.0", True), ("::", True)],  # noqa: S104
)
def test_it_listens_to_this_machine_only_unless_told_otherwise(workerd, tmp_path, listen, others):
    def answers(url: str) -> bool:
        # Another address of this machine, which stands for those of the network.
        with contextlib.suppress(httpx.ConnectError):
            return bool(httpx.get(url.replace("127.0.0.1", "127.0.0.2"), trust_env=False).status_code)
        return False

    with running(tmp_path / "state", workerd, listen=listen) as cloud:
        assert httpx.get(f"{cloud.url}/_local/health").json() == {"api": "ready", "edge": "ready"}
        assert [answers(url) for url in (cloud.url, cloud.edge_url)] == [others, others]
        assert ("every machine that reaches this one" in cloud.log()) is others


def test_wrong_arguments_are_named_all_at_once(local, tmp_path):
    words = ["--state", tmp_path, "--api-port", "0", "--edge-port", "99999", "--workerd", tmp_path / "none"]
    words += ["--account", "short", "--workers-subdomain", "A.B", "--zone", "localhost", "--organization", "a_b"]
    words += ["--profile", "slow"]
    command = [sys.executable, "-m", "local_cloud", "serve", *map(str, words)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    named = ("--api-port 0", "--edge-port 99999", "--workerd", "--account short", "--workers-subdomain A.B")
    for offender in (*named, "--zone localhost", "--organization a_b", "--profile slow"):
        assert offender in run.stderr
    assert list(tmp_path.iterdir()) == []
