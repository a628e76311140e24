"""The corpus of bad input at the doors that need no server: names, files, the command line, multipart forms.

What is refused is told as an error of the user's, never as one of the program's, and changes nothing.
"""

import asyncio
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from corpus import TEXTS, YAML, YAML_BYTES
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from typer.main import get_command
from typer.testing import CliRunner

from app_stacks.cloudflare_error import CloudflareError
from control_plane.broker import forms
from control_plane.broker.refusals import Refused
from infra.names import APP_ENVIRONMENTS, InvalidAppId, check_app_id, parse_script
from overskill import app_settings, app_stack_file
from overskill.cli import app as command_line
from overskill.errors import CommandError
from overskill.fleet.apps_file import AppsFile, InvalidAppsFile, read
from overskill.project import Project

ROOT = Path(__file__).parents[2]
EXAMPLES = 200


def files() -> Iterator[tuple[str, bytes]]:
    yield from ((name, text.encode()) for name, text in YAML.items())
    yield from YAML_BYTES.items()


def is_name(text: str) -> bool:
    try:
        return check_app_id(text) == text
    except InvalidAppId as error:
        assert str(error).isprintable()
        return False


def test_every_name_is_refused_with_its_rule_or_is_one(tried: Counter) -> None:
    for text in TEXTS.values():
        for name in (text, f"preview-{text}", f"staging-{text}", f"preview-{text}-pr1", f"abc123{text}"):
            tried["names"] += 1
            script = parse_script(name)
            assert script is None or script.name == name
            assert not is_name(name) or name.isascii()


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(st.text(max_size=70))
def test_a_name_means_itself_or_nothing(name: str) -> None:
    script = parse_script(name)
    assert script is None or script.name == name
    is_name(name)


def test_every_file_is_read_or_refused(tmp_path: Path, tried: Counter) -> None:
    file, stack = tmp_path / "apps.yaml", tmp_path / "Pulumi.x.yaml"
    for name, content in files():
        tried["files"] += 4
        file.write_bytes(content)
        stack.write_bytes(content)
        try:
            assert read(file, APP_ENVIRONMENTS) == AppsFile(), name
        except InvalidAppsFile as error:
            assert str(file) in str(error)
        with pytest.raises(CommandError, match=r"Pulumi\.x\.yaml"):
            Project(tmp_path).stack_config("x")
        try:
            app_stack_file.read(stack)
        except CommandError as error:
            assert str(stack) in str(error)
        try:
            app_settings.changes(None, None, None, [f"data={content.decode('utf-8', 'surrogateescape')}"])
        except CommandError as error:
            assert "--set data" in str(error)
        assert file.read_bytes() == stack.read_bytes() == content


def test_a_stack_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "Pulumi.local.shop.yaml"
    app_stack_file.write(file, {"overskill-apps:plan": "free"})

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        app_stack_file.write(file, {"overskill-apps:plan": "pro"})
    assert app_stack_file.read(file) == {"overskill-apps:plan": "free"}


COMMANDS = [
    ["app", "create", "{}"],
    ["app", "create", "shop", "--display-name", "{}"],
    ["app", "create", "shop", "--set", "{}"],
    ["app", "create", "shop", "--set", "variables={}"],
    ["app", "create", "shop", "--stack", "{}"],
    ["app", "update", "{}"],
    ["app", "destroy", "{}", "--yes"],
    ["app", "link", "{}"],
    ["app", "link", "shop", "--hours", "{}"],
    ["app", "show", "{}"],
    ["app", "suspend", "{}", "--reason", "{}"],
    ["app", "resume", "{}"],
    ["logs", "{}"],
    ["env", "--stack", "{}"],
    ["rollout", "{}"],
    ["fleet", "plan", "--file", "{}"],
    ["token", "create", "{}", "--scope", "{}"],
    ["operator", "link", "{}", "--stack", "{}"],
    ["audit", "verify", "{}"],
    ["{}"],
]


@pytest.mark.parametrize("share", [10, pytest.param(1, marks=pytest.mark.slow)], ids=["a tenth", "all"])
def test_every_command_refuses_what_it_can_not_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: int, tried: Counter
) -> None:
    """In a checkout where nothing runs, so that a command that takes its arguments ends there."""
    monkeypatch.setattr(Project.__init__, "__defaults__", (tmp_path,))
    shutil.copy(ROOT / "Pulumi.local.yaml", tmp_path)
    (tmp_path / "app_stacks" / "stacks").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*.yaml"))
    built = get_command(command_line)
    monkeypatch.setattr("typer.testing._get_command", lambda _: built)  # which is most of what a call costs
    runner = CliRunner()
    for number, command in enumerate(COMMANDS):
        for name, text in list(TEXTS.items())[number % share :: share]:
            tried["command line"] += 1
            ended = runner.invoke(command_line, [word.replace("{}", text) for word in command])
            told = ended.exception
            assert told is None or isinstance(told, SystemExit | CommandError | InvalidAppId | CloudflareError), (
                f"{command} with {name}: {type(told).__name__}: {told}"
            )
    assert sorted(tmp_path.rglob("*.yaml")) == before


PART = b'--b\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n{}\r\n'
MODULE = b'--b\r\nContent-Disposition: form-data; name="a.js"; filename="a.js"\r\nContent-Type: x/y\r\n\r\nx\r\n'
PIECES = [PART, MODULE, b"--b--\r\n", b"--b", b"\r\n", b"--", b"\x00", b"Content-Type: a\r\n", b'; name="', b"\xff" * 9]


def received(body: bytes) -> list[forms.Part]:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def parts() -> list[forms.Part]:
        headers = [(b"content-type", b"multipart/form-data; boundary=b")]
        request = Request({"type": "http", "method": "PUT", "headers": headers}, receive)
        async with forms.received(request, limit=10_000, most=10, what="the upload") as found:
            assert all(len(part.bytes()) == part.size for part in found)
            return found

    return asyncio.run(parts())


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=50), max_size=20).map(b"".join))
def test_any_bytes_are_a_form_or_refused(body: bytes) -> None:
    try:
        found = received(body)
    except Refused as refused:
        assert refused.status in (400, 413)
    else:
        names = [part.name.lower() for part in found]
        assert len(names) == len(set(names))


def test_a_form_is_read(tried: Counter) -> None:
    """What the bytes above are measured against."""
    assert [part.name for part in received(PART + MODULE + b"--b--\r\n")] == ["metadata", "a.js"]
    tried["names"] += EXAMPLES
    tried["multipart"] += EXAMPLES
