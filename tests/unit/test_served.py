"""What counts as served: the bundle's own version file, and an answer where no such file is kept."""

import asyncio
from pathlib import Path

import httpx
import pytest

from control_plane import served
from control_plane.broker.bundles import Bundles, Folder

FILE = b'{"commit": "c0ffee"}'


@pytest.fixture
def bundles(tmp_path: Path) -> Bundles:
    return Bundles(Folder(tmp_path))


def look(
    monkeypatch: pytest.MonkeyPatch, bundles: Bundles, digest: str, content: bytes, status: int = 200
) -> served.Seen:
    monkeypatch.setattr(served.probe, "answer", lambda _: httpx.Response(status, content=content))
    return asyncio.run(served.until_served(bundles, digest, "https://shop.overskill.localhost/", 0))


def test_a_bundle_with_a_version_file_is_served_once_that_is(monkeypatch: pytest.MonkeyPatch, bundles: Bundles) -> None:
    file = {"hash": "f" * 32, "content_type": "application/json", "digest": bundles.store.put([FILE])}
    digest = bundles.put({"metadata": {}, "modules": [], "assets": {served.VERSION_FILE: file}})
    assert look(monkeypatch, bundles, digest, FILE).problem is None
    assert "not the file that was deployed" in str(look(monkeypatch, bundles, digest, b"another").problem)


@pytest.mark.parametrize("lost", ["file", "bundle"])
@pytest.mark.parametrize("left", [None, b"half"])
def test_without_its_version_file_a_bundle_is_served_once_its_address_answers(
    monkeypatch: pytest.MonkeyPatch, bundles: Bundles, tmp_path: Path, lost: str, left: bytes | None
) -> None:
    """It was uploaded whole, since Cloudflare had the file, and is lost or damaged here."""
    file = {"hash": "f" * 32, "content_type": "application/json", "digest": bundles.store.put([FILE])}
    digest = bundles.put({"metadata": {}, "modules": [], "assets": {served.VERSION_FILE: file}})
    (path,) = tmp_path.rglob(file["digest"] if lost == "file" else digest)
    path.write_bytes(left) if left else path.unlink()
    seen = look(monkeypatch, bundles, digest, b"whatever it says")
    assert (seen.problem, seen.proof) == (None, "answers, and no file says what it is")
    assert "HTTP 500" in str(look(monkeypatch, bundles, digest, b"", 500).problem)
