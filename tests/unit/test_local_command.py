"""`overskill local`: which local cloud a command means, and what it tells clients."""

import json
import shlex
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from typer.testing import CliRunner

from overskill.errors import CommandError
from overskill.local_cloud_process import LocalCloud
from overskill.local_command import addresses, exports, local

TOKENS = {
    "cloudflare_token": "local-cloudflare-planted",
    "github_token": "local-github-planted",
    "page_key": "local-page-planted",
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of no project, which is the current one."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> str:
    result = CliRunner().invoke(local, words)
    return result.output


def keep_tokens(state: Path) -> LocalCloud:
    state.mkdir(parents=True)
    (state / "credentials.json").write_text(json.dumps(TOKENS))
    return LocalCloud(state=state, log=state / "log", api_port=9787)


def test_the_state_is_the_users_outside_of_any_project(tmp_path):
    assert f"state       {tmp_path}/data/overskill/local-cloud\n" in run("status")


def test_the_state_is_that_of_the_project_around_the_current_folder(tmp_path, monkeypatch):
    inner = tmp_path / "shop" / "src"
    inner.mkdir(parents=True)
    (tmp_path / "shop" / ".overskill").mkdir()
    monkeypatch.chdir(inner)
    assert f"state       {tmp_path}/shop/.overskill/local-cloud\n" in run("status")


def test_the_state_is_the_one_that_is_named(tmp_path):
    assert f"state       {tmp_path}/mine\n" in run("status", "--state", "mine")


def test_what_does_not_run_is_told_with_the_command_that_starts_it():
    assert "overskill local up" in run("status")
    assert CliRunner().invoke(local, ["status"]).exit_code == 1
    assert run("down") == "The local cloud was not running.\n"
    for words in (["reset"], ["snapshot", "a"], ["restore", "a"], ["snapshots"]):
        error = CliRunner().invoke(local, words).exception
        assert isinstance(error, CommandError)
        assert "is not running: start it with overskill local up" in str(error)


def test_another_local_cloud_at_its_port_does_not_count(tmp_path):
    class Healthy(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Healthy) as server:
        Thread(target=server.serve_forever).start()
        try:
            assert not LocalCloud(state=tmp_path, log=tmp_path / "log", api_port=server.server_port).runs()
        finally:
            server.shutdown()


def test_a_token_is_printed_for_the_service_that_is_named(tmp_path):
    keep_tokens(tmp_path / "mine")
    assert run("token", "github", "--state", "mine") == "local-github-planted\n"
    assert "has never run here" in str(CliRunner().invoke(local, ["token", "github"]).exception)


def test_exports_are_what_a_shell_reads(tmp_path):
    cloud = keep_tokens(tmp_path / "mine")
    assert "planted" not in "\n".join(exports(cloud, show_secrets=False))
    shown = shlex.split("\n".join(exports(cloud, show_secrets=True)))
    assert set(shown[::2]) == {"export"}
    assert dict(word.split("=", 1) for word in shown[1::2]) == {
        "CLOUDFLARE_API_BASE_URL": "http://127.0.0.1:9787/client/v4",
        "CLOUDFLARE_BASE_URL": "http://127.0.0.1:9787/client/v4",
        "CLOUDFLARE_ACCOUNT_ID": "00000000000000000000000000000001",
        "GITHUB_API_URL": "http://127.0.0.1:9787/api/v3",
        "GITHUB_BASE_URL": "http://127.0.0.1:9787/api/v3/",
        "CLOUDFLARE_API_TOKEN": TOKENS["cloudflare_token"],
        "GITHUB_TOKEN": TOKENS["github_token"],
    }


def test_its_page_is_told_with_the_key_only_if_it_is_asked_for(tmp_path):
    cloud = keep_tokens(tmp_path / "mine")
    assert "page        http://127.0.0.1:9787/  (link: --show-secrets)" in addresses(cloud, show_secrets=False)
    assert "page        http://127.0.0.1:9787/?key=local-page-planted" in addresses(cloud, show_secrets=True)


def test_an_address_that_others_reach_is_told(tmp_path):
    cloud = keep_tokens(tmp_path / "mine")
    assert not any("open to" in line for line in addresses(cloud, show_secrets=False))
    opened = replace(cloud, listen="::")
    assert "open to     every machine that reaches this one (--listen ::)" in addresses(opened, show_secrets=False)
