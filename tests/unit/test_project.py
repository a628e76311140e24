"""The checkout's own files, and which environment a plain `pulumi` run gets."""

import os
import stat
from pathlib import Path

import pytest

from overskill.checkout_cloud import local_config
from overskill.credentials import local_credentials
from overskill.engine import REAL_CREDENTIALS, local_environment
from overskill.errors import CommandError
from overskill.plain_pulumi import named_stack
from overskill.project import Project

ROOT = Path(__file__).parents[2]
MADE = {"cloudflare_token": "local-cloudflare-1", "github_token": "local-github-1", "github_app_id": "7"}
LOCAL = "config:\n  cloudflare:baseUrl: http://127.0.0.1:8787/client/v4\n"


def test_a_generated_secret_is_made_once_and_readable_by_its_user_alone(tmp_path):
    project = Project(tmp_path)
    first = project.secret_file("passphrase").read_text()
    assert len(first) == 64
    assert project.secret_file("passphrase").read_text() == first
    assert stat.S_IMODE(project.secret_file("passphrase").stat().st_mode) == 0o600
    assert stat.S_IMODE(project.home.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no stack 'x'"),
        ("a: [", "is no YAML"),
        ("a: 1", "has no mapping `config`"),
        ("- 1", "has no mapping"),
    ],
)
def test_a_stack_file_that_cannot_be_read(tmp_path, content, message):
    if content is not None:
        (tmp_path / "Pulumi.x.yaml").write_text(content)
    with pytest.raises(CommandError, match=message):
        Project(tmp_path).stack_values("x")


def test_a_local_run_has_nothing_that_leads_to_a_real_account(tmp_path, monkeypatch):
    for name in (*REAL_CREDENTIALS, "CLOUDFLARE_API_TOKEN", "GITHUB_TOKEN"):
        monkeypatch.setenv(name, "a-real-one")
    monkeypatch.delenv("OVERSKILL_WEBHOOK_SECRET", raising=False)
    project = Project(tmp_path)
    environment = local_environment(project, local_credentials(project, MADE))
    assert "a-real-one" not in environment.values()
    assert environment["CLOUDFLARE_API_TOKEN"] == "local-cloudflare-1"
    assert environment["PULUMI_BACKEND_URL"].startswith(f"file://{tmp_path}")
    assert len(environment["OVERSKILL_WEBHOOK_SECRET"]) == 64


def test_a_webhook_secret_of_the_users_is_written_nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv("OVERSKILL_WEBHOOK_SECRET", "planted")
    project = Project(tmp_path)
    assert local_environment(project, local_credentials(project, MADE))["OVERSKILL_WEBHOOK_SECRET"] == "planted"
    assert "planted" not in [p.read_text() for p in tmp_path.rglob("*") if p.is_file()]
    assert not os.path.exists(tmp_path / ".overskill" / "webhook-secret")


@pytest.mark.parametrize(
    ("arguments", "stack"),
    [
        (["up"], None),
        (["up", "-s", "dev"], "dev"),
        (["up", "-sdev"], "dev"),
        (["--stack", "local.abc", "up"], "local.abc"),
        (["up", "--stack=prod", "--yes"], "prod"),
        (["up", "--stack"], None),
        (["up", "--skip-preview"], None),
    ],
)
def test_the_stack_that_the_arguments_name(arguments, stack):
    assert named_stack(arguments) == stack


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (f"{LOCAL}encryptionsalt: v1:x\n", LOCAL),
        (f"# a comment\n{LOCAL}encryptionsalt: v1:x\n", f"# a comment\n{LOCAL}"),
        (f"{LOCAL}  a:b:\n    secure: v1:y\nencryptionsalt: v1:x\n", None),
        (LOCAL, None),
        ("config:\n  a:b: 1\nencryptionsalt: v1:x\n", None),
    ],
)
def test_the_salt_is_taken_out_unless_something_is_encrypted_with_it(tmp_path, content, kept):
    file = tmp_path / "Pulumi.local.yaml"
    file.write_text(content)
    Project(tmp_path).forget_salt()
    assert file.read_text() == (content if kept is None else kept)


def test_a_run_that_does_not_end_well_leaves_a_mark_for_the_next(tmp_path):
    project = Project(tmp_path)
    with pytest.raises(CommandError), project.marked_run("local.abc") as unfinished:
        assert not unfinished
        raise CommandError("killed")
    with project.marked_run("local.abc") as unfinished:
        assert unfinished
    with project.marked_run("local.abc") as unfinished:
        assert not unfinished


@pytest.mark.parametrize(
    ("given", "used"), [("local-cloudflare-2", "local-cloudflare-2"), ("real", "local-cloudflare-1")]
)
def test_a_token_is_used_on_the_local_cloud_only_if_it_was_made_there(tmp_path, monkeypatch, given, used):
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", given)
    credentials = local_credentials(Project(tmp_path), MADE)
    assert (credentials["CLOUDFLARE_API_TOKEN"], credentials["GITHUB_APP_ID"]) == (used, "7")
    assert "GITHUB_PRIVATE_KEY" not in credentials


def test_a_local_stack_is_one_whose_cloudflare_is_on_this_machine(tmp_path):
    contents = {"local": LOCAL, "acme": LOCAL, "dev": "config:\n  a:b: 1\n", "broken": "a: [", "elsewhere": ELSEWHERE}
    for stack, content in contents.items():
        (tmp_path / f"Pulumi.{stack}.yaml").write_text(content)
    assert Project(tmp_path).local_stacks() == ["acme", "local"]


ELSEWHERE = "config:\n  cloudflare:baseUrl: https://cloudflare.example/client/v4\n"


def test_a_second_stack_has_to_lead_to_the_same_local_cloud(tmp_path):
    good = (ROOT / "Pulumi.local.yaml").read_text()
    (tmp_path / "Pulumi.local.yaml").write_text(good)
    (tmp_path / "Pulumi.acme.yaml").write_text(good.replace("8787", "9787").replace("port: 8788", "port: 9788"))
    project = Project(tmp_path)
    assert local_config(project, "local") == project.stack_config("local")
    with pytest.raises(
        CommandError, match=r"stack acme does not lead to the local cloud .*: cloudflare:baseUrl .*:edge"
    ):
        local_config(project, "acme")


def test_several_checkouts_can_share_what_is_this_machines_own(tmp_path, monkeypatch):
    monkeypatch.setenv("OVERSKILL_HOME", str(tmp_path / "shared" / "home"))
    homes = {Project(tmp_path / name).home for name in ("one", "two")}
    assert homes == {tmp_path / "shared" / "home"}
    assert (tmp_path / "shared" / "home").stat().st_mode & 0o777 == 0o700
    monkeypatch.setenv("OVERSKILL_HOME", "")
    (tmp_path / "one").mkdir()
    assert Project(tmp_path / "one").home == tmp_path / "one" / ".overskill"
