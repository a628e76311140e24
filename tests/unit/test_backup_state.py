"""Which files a backup takes the engine's state from, and a restore puts it back to."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from real_engine import checkout, engine_environment

from overskill.backup.state import Files
from overskill.engine import Engine
from overskill.errors import CommandError
from overskill.project import Project

STATE = ".pulumi/stacks/overskill/prod.json"
APP = ".pulumi/stacks/overskill-apps-07/prod.shop.json.gz"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A checkout with a real stack; the user's home is `tmp_path`/home."""
    monkeypatch.setattr("overskill.backup.state.Toolchain", lambda root: SimpleNamespace(environment=dict))
    monkeypatch.setattr("pwd.getpwuid", lambda _: SimpleNamespace(pw_dir=str(tmp_path / "home")))
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    return checkout(tmp_path)


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


@pytest.mark.parametrize(
    ("url", "folder"),
    [("file://~", "home"), ("file://~/state", "home/state"), ("file://./state", "checkout/state")],
)
def test_a_backup_has_the_state_wherever_the_engine_keeps_its_files(project, url, folder, tmp_path, monkeypatch):
    monkeypatch.setenv("PULUMI_BACKEND_URL", url)
    write(tmp_path / folder, STATE, APP, ".pulumi/stacks/overskill/other.json", f"{STATE}.bak")
    files = Files.of(project, "prod")
    files.copy(tmp_path / "backup")
    copied = [path.name for path in (tmp_path / "backup").rglob("*") if path.is_file()]
    assert sorted(copied) == ["prod.json", "prod.shop.json.gz"]
    (tmp_path / folder / STATE).write_text("of before")
    files.restore(tmp_path / "backup")
    assert (tmp_path / folder / STATE).read_text() == STATE


def test_a_backup_asks_the_engine_where_it_is_logged_in(project, tmp_path, monkeypatch):
    environment = engine_environment(tmp_path)
    url = environment.pop("PULUMI_BACKEND_URL")
    monkeypatch.delenv("PULUMI_ACCESS_TOKEN", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(CommandError, match=r"export PULUMI_BACKEND_URL .* or run: pulumi login"):
        Files.of(project, "prod")
    Engine(project, project.root, environment).capture("login", url)
    assert Files.of(project, "prod").backend == tmp_path / "state"


def test_a_folder_without_the_stacks_state_is_refused(project, tmp_path, monkeypatch):
    """`~/.pulumi` is there on every machine with the engine."""
    monkeypatch.setenv("PULUMI_BACKEND_URL", "file://~")
    write(tmp_path / "home", ".pulumi/meta.yaml", ".pulumi/stacks/overskill/other.json", APP)
    with pytest.raises(CommandError, match=f"{tmp_path}/home has no state of stack prod: export PULUMI_BACKEND_URL"):
        Files.of(project, "prod").copy(tmp_path / "backup")


def test_a_state_that_is_in_no_files_is_left_to_its_backend(project, tmp_path, monkeypatch):
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://bucket/state")
    files = Files.of(project, "prod")
    files.copy(tmp_path / "backup")
    assert (files.backend, files.present()) == (None, [])


@pytest.mark.parametrize(("stack", "folder"), [("prod", "checkout"), ("prod.shop", "checkout/.overskill/fleet")])
def test_a_lock_is_told_with_what_takes_it_off(project, stack, folder, tmp_path, monkeypatch):
    monkeypatch.setenv("PULUMI_BACKEND_URL", "file://~")
    write(tmp_path / "home", STATE, f".pulumi/locks/organization/any/{stack}/1.json")
    with pytest.raises(CommandError, match=rf"\./dev pulumi cancel --yes -s {stack} -C {tmp_path / folder}"):
        Files.of(project, "prod").copy(tmp_path / "backup")
