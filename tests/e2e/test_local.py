"""The local cloud alone, from a folder that is no project: `overskill local`."""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from conftest import ROOT

from overskill.checkout_copy import free_ports

Run = Callable[..., str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture(scope="module")
def run(folder: Path) -> Iterator[Run]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_DATA_HOME": str(folder / "data")}

    def made(*words: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "overskill", "local", *words]
        ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert ended.returncode == code, ended.stdout + ended.stderr
        return ended.stdout + ended.stderr

    yield made
    made("down")


def exported(run: Run) -> dict[str, str]:
    return dict(word.split("=", 1) for word in shlex.split(run("env", "--show-secrets"))[1::2])


def namespaces(run: Run) -> list[str]:
    values = exported(run)
    url = f"{values['CLOUDFLARE_BASE_URL']}/accounts/{values['CLOUDFLARE_ACCOUNT_ID']}/workers/dispatch/namespaces"
    headers = {"Authorization": f"Bearer {run('token', 'cloudflare').strip()}"}
    answer = httpx.get(url, headers=headers, trust_env=False).raise_for_status()
    return [namespace["namespace_name"] for namespace in answer.json()["result"]]


def make_namespace(run: Run, name: str) -> None:
    values = exported(run)
    url = f"{values['CLOUDFLARE_BASE_URL']}/accounts/{values['CLOUDFLARE_ACCOUNT_ID']}/workers/dispatch/namespaces"
    headers = {"Authorization": f"Bearer {values['CLOUDFLARE_API_TOKEN']}"}
    httpx.post(url, headers=headers, json={"name": name}, trust_env=False).raise_for_status()


def test_up_gives_a_cloud_of_its_own_without_the_engine(run, folder):
    api_port, edge_port = free_ports(2)
    ports = ["--api-port", str(api_port), "--edge-port", str(edge_port)]
    output = run("up", "--detach", "--zone", "shop.localhost", "--organization", "shop", *ports)
    assert f"http://127.0.0.1:{api_port}/client/v4" in output
    assert "Pulumi" not in output
    assert "profile     instant (seed 0)" in run("status")
    values = exported(run)
    headers = {"Authorization": f"Bearer {values['GITHUB_TOKEN']}"}
    assert httpx.get(f"{values['GITHUB_API_URL']}/orgs/shop", headers=headers, trust_env=False).is_success
    assert {path.name for path in folder.iterdir()} == {"data"}


def test_a_second_up_changes_only_the_profile(run):
    assert "was running" in run("up", "--detach", "--profile", "realistic", "--seed", "7")
    assert "profile     realistic (seed 7)" in run("status")
    assert "was running" in run("up", "--detach")
    assert "profile     realistic (seed 7)" in run("status")
    run("up", "--detach", "--profile", "instant")


def test_another_address_starts_it_anew(run):
    def answers() -> bool:
        # Another address of this machine, which stands for those of the network.
        url = exported(run)["GITHUB_BASE_URL"].replace("127.0.0.1", "127.0.0.2")
        with contextlib.suppress(httpx.ConnectError):
            return bool(httpx.get(url, trust_env=False).status_code)
        return False

    assert not answers()
    output = run("up", "--detach", "--listen", "0.0.0.0", "--resident-apps", "5")  # noqa: S104
    assert "start: started" in output
    assert "every machine that reaches this one" in output
    assert answers()
    assert "was running" in run("up", "--detach")
    assert "(--listen 0.0.0.0)" in run("status")
    run("up", "--detach", "--listen", "127.0.0.1")
    assert not answers()
    assert "every machine" not in run("status")


def test_the_link_to_its_page_is_shown_if_it_is_asked_for(run):
    for words in (["status"], ["up", "--detach"]):
        assert "key=" not in run(*words)
        (link,) = re.findall(r"^page +(http\S+/\?key=\S+)$", run(*words, "--show-secrets"), re.M)
        assert httpx.get(link, trust_env=False).headers["location"] == "/"


def test_snapshots_and_reset(run):
    make_namespace(run, "kept")
    run("snapshot", "one")
    make_namespace(run, "later")
    assert re.fullmatch(r"2[0-9]{3}-[0-9T:-]{14}  one\n", run("snapshots"))
    run("restore", "one")
    assert namespaces(run) == ["kept"]
    run("reset")
    assert namespaces(run) == []
    assert "there is no snapshot 'two'; there are: one" in run("restore", "two", code=1)


def test_down_leaves_what_is_in_it(run):
    run("restore", "one")
    assert run("down") == "The local cloud is stopped.\n"
    run("status", code=1)


def test_what_it_says_next_leads_to_the_state_that_was_named(run, folder):
    state, (api_port, edge_port) = folder / "another one", map(str, free_ports(2))
    ports = ["--api-port", api_port, "--edge-port", edge_port]
    output = run("up", "--detach", "--state", str(state), *ports)
    told = {line.partition("overskill local ")[2].rstrip(')"') for line in output.splitlines() if "overskill" in line}
    assert told == {f"env --show-secrets --state '{state}'", f"down --state '{state}'"}
    assert run("down", "--state", str(state)) == "The local cloud is stopped.\n"


@pytest.fixture
def heeding_ctrl_c():
    """A shell has what it starts in the background ignore Ctrl-C, this suite and its children as well."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_stops_it(run, folder, heeding_ctrl_c):
    api_port, edge_port = map(str, free_ports(2))
    command = [sys.executable, "-m", "overskill", "local", "up", "--api-port", api_port, "--edge-port", edge_port]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_DATA_HOME": str(folder / "data")}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert any(re.fullmatch("Ctrl-C stops it.\n", line) for line in iter(process.stdout.readline, ""))
            assert namespaces(run) == ["kept"]
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
        finally:
            process.terminate()
    run("status", code=1)
