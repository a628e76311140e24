"""The script `dev`, with a Python that makes up environments and keeps a list of what it is asked to install."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from toolchain_fakes import program

ROOT = Path(__file__).parents[2]
PYTHON = """
case "$1 $2" in
    "-m venv")
        mkdir -p "$4/bin"
        ln -sf "$0" "$4/bin/python" ;;
    "-m pip")
        echo "$*" >>"$CALLS"
        case $* in
            *" -e "*)
                overskill="${0%/*}/overskill"
                printf '#!/bin/sh\\necho "overskill $*"\\n' >"$overskill"
                chmod +x "$overskill" ;;
            *) [ -z "${BROKEN:-}" ] || { echo no such package; exit 1; } ;;
        esac ;;
    *) exec REAL "$@" ;;
esac
""".replace("REAL", sys.executable)


class Checkout:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.calls = root / "calls"
        self.calls.touch()
        for name in ("dev", "requirements.txt", "pyproject.toml"):
            shutil.copy(ROOT / name, root)
        self.path = f"{program(root / 'bin' / 'python3', PYTHON).parent}:/usr/bin:/bin"

    def command(self, *arguments: str, script: str | None = None, **environment: str) -> subprocess.Popen:
        return subprocess.Popen(
            [script or str(self.root / "dev"), *arguments],
            cwd="/",
            env={"PATH": self.path, "CALLS": str(self.calls)} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **options: str) -> tuple[int, str, str]:
        process = self.command(*arguments, **options)
        output, errors = process.communicate(timeout=10)
        return process.returncode, output, errors

    @property
    def installations(self) -> int:
        return len(self.calls.read_text().splitlines()) // 2


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    root = tmp_path / "a checkout"
    root.mkdir()
    return Checkout(root)


def test_only_the_first_start_installs_and_says_so(checkout):
    assert checkout.run("up", "two words") == (
        0,
        "overskill up two words\n",
        "dev: installing Python packages into .venv (first start; about a minute)\n",
    )
    assert checkout.run() == (0, "overskill --help\n", "")
    assert checkout.installations == 1
    assert "--require-hashes" in checkout.calls.read_text()


def test_a_changed_pin_installs_again(checkout):
    checkout.run()
    with (checkout.root / "requirements.txt").open("a") as pins:
        pins.write("# changed\n")
    assert "requirements.txt, pyproject.toml" in checkout.run("up")[2]
    assert checkout.run("up")[2] == ""
    assert checkout.installations == 2


def test_a_failed_installation_shows_its_end_and_is_not_taken_for_complete(checkout):
    code, _, errors = checkout.run("up", BROKEN="1")
    assert code == 1
    assert "no such package\ndev: the installation failed" in errors
    assert checkout.run("up")[:2] == (0, "overskill up\n")


def test_starts_at_once_install_once(checkout):
    processes = [checkout.command(str(number)) for number in range(3)]
    assert sorted(process.communicate(timeout=10)[0] for process in processes) == [f"overskill {n}\n" for n in range(3)]
    assert checkout.installations == 1


def test_it_works_through_links(checkout, tmp_path):
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "relative").symlink_to("../a checkout/dev")
    (tmp_path / "link").symlink_to(tmp_path / "links" / "relative")
    assert checkout.run("up", script=str(tmp_path / "link"))[:2] == (0, "overskill up\n")


@pytest.mark.parametrize(
    ("refused", "remedy"),
    [("version_info", "no Python 3.11 or newer on PATH; install one"), ("ensurepip", "apt-get install python3-venv")],
)
def test_an_unfit_python_is_named_with_the_remedy(checkout, tmp_path, refused, remedy):
    for name in ("python3", *(f"python3.{minor}" for minor in range(11, 15))):
        program(tmp_path / "bin" / name, f'case $2 in *{refused}*) exit 1 ;; *) exec {sys.executable} "$@" ;; esac')
    checkout.path = f"{tmp_path / 'bin'}{os.pathsep}{checkout.path}"
    code, _, errors = checkout.run("up")
    assert code == 1
    assert remedy in errors
    assert len(errors.splitlines()) == 1
