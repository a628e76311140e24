"""The types of the platform's Workers, which are comments, hold: `tsc --checkJs --strict` reads them."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("dispatch_worker", "outbound_worker")


@pytest.fixture
def workers(tmp_path: Path) -> Path:
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def check(workers: Path, packages: Path) -> subprocess.CompletedProcess[str]:
    command = [packages / ".bin" / "tsc", "--project", workers / "dispatch_worker", "--typeRoots", packages]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_types_hold(workers, test_packages):
    checked = check(workers, test_packages)
    assert (checked.returncode, checked.stdout) == (0, "")


@pytest.mark.parametrize(
    ("file", "wrong"),
    [
        ("dispatch_worker/src/usage.js", "export const wrong = size(5);"),
        ("outbound_worker/src/hosts.js", "covers('a', 'b');"),
        ("dispatch_worker/src/store.js", "export function wrong(untyped) { return untyped; }"),
    ],
)
def test_a_type_that_does_not_hold_is_found(workers, test_packages, file, wrong):
    with (workers / file).open("a") as source:
        source.write(wrong)
    assert f"{Path(file).name}(" in check(workers, test_packages).stdout
