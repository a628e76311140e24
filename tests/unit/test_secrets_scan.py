"""No file of the repository has what is a secret by its form. What tests plant is named here."""

import subprocess
from pathlib import Path

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class

ROOT = Path(__file__).parents[2]

BY_CHANCE = {"Base64 High Entropy String", "Hex High Entropy String", "Secret Keyword", "Public IP (ipv4)"}
"""Which look at how random a text is, or what it is called: numbers of commits and names of settings are no secrets."""

PLANTED = {
    ("tests/unit/test_control_plane_guard.py", "JSON Web Token"),
    ("tests/unit/test_policies.py", "Private Key"),
    ("tests/unit/test_real_tokens.py", "JSON Web Token"),
    ("tests/unit/test_secrets_scan.py", "AWS Access Key"),
}
IN_TESTS = {"Basic Auth Credentials"}
"""What tests of git make up: a user and a password in a URL."""

LOCKED = ("package-lock.json", "go.sum", "requirements.txt")
"""Hashes of packages."""

EXAMPLE = "AKIAIOSFODNN7EXAMPLF"
"""Found in this file: a scan that finds nothing would pass anywhere else."""


def _files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and not name.endswith(LOCKED)]


def test_no_secret_is_in_the_repository():
    detectors = {
        name: kind() for name, kind in get_mapping_from_secret_type_to_class().items() if name not in BY_CHANCE
    }
    found = set()
    for file in filter(Path.is_file, _files()):
        text, place = file.read_bytes().decode(errors="replace"), str(file.relative_to(ROOT))
        for name in detectors.keys() - (IN_TESTS if place.startswith("tests/") else set()):
            if any(detectors[name].analyze_string(text)):
                found.add((place, name))
    assert found == PLANTED
