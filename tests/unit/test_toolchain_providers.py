import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from toolchain_fakes import download_host, program

from overskill.toolchain import providers
from overskill.toolchain.errors import ToolchainError
from overskill.toolchain.providers import choose
from overskill.toolchain.versions import PROVIDERS

ENGINE = """
[ "$1 $2 $3" = "plugin install resource" ]
folder="$PULUMI_HOME/plugins/resource-$4-v$5"
mkdir -p "$folder"
echo official >"$folder/pulumi-resource-$4"
chmod +x "$folder/pulumi-resource-$4"
"""


@pytest.fixture(autouse=True)
def users_home(tmp_path, monkeypatch) -> Path:
    """A user without plugins, on a machine that reaches no download host."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setattr(providers, "DOWNLOAD_HOSTS", (nowhere,))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "user"))
    return tmp_path / "user"


@pytest.fixture
def engine(tmp_path) -> Path:
    return program(tmp_path / "engine" / "pulumi", ENGINE)


def plugin(home: Path, name: str) -> Path:
    return home / "plugins" / f"resource-{name}-v{PROVIDERS[name]}" / f"pulumi-resource-{name}"


def test_auto_takes_stand_ins_where_nothing_official_can_be_had(tmp_path, engine, users_home):
    choice = choose("auto", tmp_path / "project", engine)
    assert choice.kind == "standin"
    assert choice.pulumi_home == tmp_path / "project" / "pulumi-home" / "standin"
    assert str(choice).startswith("providers: stand-ins (the official cloudflare 6.23.1 is not installed; ")
    assert "no route to http://127.0.0.1" in str(choice)
    assert choice.environment()["PULUMI_HOME"] == str(choice.pulumi_home)
    assert not users_home.exists()


def test_a_stand_in_is_a_wrapper_that_runs_the_local_clouds_module(tmp_path, engine):
    home = choose("standin", tmp_path / "project", engine).pulumi_home
    for name in PROVIDERS:
        script = plugin(home, name).read_text()
        assert script.splitlines() == [
            "#!/bin/sh",
            f'exec {sys.executable} -P -m local_cloud.providers {name} "$@"',
        ]
        assert os.access(plugin(home, name), os.X_OK)


def test_official_is_refused_with_the_reason_where_it_cannot_be_had(tmp_path, engine):
    with pytest.raises(ToolchainError, match=r"github .* cannot be had: .*no route to"):
        choose("official", tmp_path / "project", engine)


def test_official_plugins_of_the_user_are_linked_and_left_as_they_are(tmp_path, engine, users_home):
    cached = program(plugin(users_home, "cloudflare"), "echo cached")
    on_path = program(tmp_path / "bin" / "pulumi-resource-github", "echo v6.15.0")
    for _ in range(2):
        choice = choose("auto", tmp_path / "project", engine)
        assert choice.kind == "official"
        assert plugin(choice.pulumi_home, "cloudflare").resolve() == cached
        assert plugin(choice.pulumi_home, "github").resolve() == on_path
    assert "official plugins" in str(choice)


@pytest.mark.parametrize("unfit", ["half installed", "another version"])
def test_an_unfit_plugin_of_the_user_is_not_taken(tmp_path, engine, users_home, unfit):
    program(plugin(users_home, "cloudflare"), "echo cached")
    if unfit == "half installed":
        file = program(plugin(users_home, "github"), "echo cached")
        file.parent.with_name(f"{file.parent.name}.partial").touch()
    else:
        program(tmp_path / "bin" / "pulumi-resource-github", "echo 6.14.0")
    assert choose("auto", tmp_path / "project", engine).kind == "standin"


def test_what_is_missing_is_installed_where_a_host_answers(tmp_path, engine, monkeypatch):
    with download_host({}) as url:
        monkeypatch.setattr(providers, "DOWNLOAD_HOSTS", (url,))
        choice = choose("auto", tmp_path / "project", engine)
    assert choice.kind == "official"
    assert choice == choose("official", tmp_path / "project", engine)
    assert plugin(choice.pulumi_home, "github").read_text() == "official\n"


def test_a_failed_installation_falls_back_to_stand_ins_in_one_line(tmp_path, monkeypatch):
    broken = program(tmp_path / "engine" / "pulumi", "echo two; echo lines; exit 1")
    with download_host({}) as url:
        monkeypatch.setattr(providers, "DOWNLOAD_HOSTS", (url,))
        choice = choose("auto", tmp_path / "project", broken)
    assert choice.kind == "standin"
    assert "ended with status 1" in choice.why
    assert "\n" not in str(choice)


def test_a_stand_in_never_passes_for_an_official_plugin(tmp_path, engine, monkeypatch):
    """As when a command of ours is run from within another, whose PULUMI_HOME is the stand-ins' home."""
    choice = choose("standin", tmp_path / "project", engine)
    monkeypatch.setenv("PULUMI_HOME", str(choice.pulumi_home))
    assert choose("auto", tmp_path / "project", engine).kind == "standin"


def test_the_wrapper_does_not_import_from_the_folder_it_is_started_in(tmp_path, engine):
    home = choose("standin", tmp_path / "project", engine).pulumi_home
    (tmp_path / "local_cloud").mkdir()
    (tmp_path / "local_cloud" / "__init__.py").write_text("raise SystemExit('imported from the wrong place')")
    run = subprocess.run(
        [plugin(home, "github"), "--no-such-option"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "wrong place" not in run.stderr
