"""Where bundles are kept: a folder, or a bucket of a service that speaks as S3 does."""

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from control_plane_settings import settings
from pydantic import ValidationError

from control_plane.broker import bundles
from control_plane.broker.bucket import Bucket
from control_plane.broker.bundles import Bundles, Folder, Store

MISSING = b"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"


class S3(ThreadingHTTPServer):
    """The objects of a bucket by their keys, for whoever signs; `sent` has the keys whose content was sent."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.sent: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: S3
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if not self.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=key/"):
            self._answer(403)
        elif self.path in self.server.objects:
            self._answer(200, self.server.objects[self.path])
        else:
            self._answer(404, MISSING)

    do_HEAD = do_GET

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["If-None-Match"] == "*" and self.path in self.server.objects:
            self._answer(412)
        else:
            self.server.objects[self.path] = content
            self.server.sent.append(self.path)
            self._answer(200)

    def _answer(self, status: int, content: bytes = b"") -> None:
        self.send_response(status)
        for name, value in (
            ("Content-Length", str(len(content))),
            ("ETag", '"1"'),
            ("Last-Modified", "Tue, 24 Nov 2026 12:00:00 GMT"),
        ):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    with S3() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        for name, value in {
            "ACCESS_KEY_ID": "key",
            "SECRET_ACCESS_KEY": "secret",
            "REGION": "auto",
            "ENDPOINT_URL": url,
            "ALLOW_HTTP": "true",
        }.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        yield server
        server.shutdown()


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return Folder(tmp_path / "bundles")
    request.getfixturevalue("s3")
    return Bucket("s3://bundles/development")


def test_a_bundle_is_kept_by_its_content(store: Store) -> None:
    kept = Bundles(store)
    digest = kept.put({"metadata": {"b": 1, "a": "é"}})
    assert kept.put({"metadata": {"a": "é", "b": 1}}) == digest
    assert kept.open(digest) == {"metadata": {"a": "é", "b": 1}}
    with pytest.raises(KeyError):
        kept.open("0" * 64)


@pytest.mark.parametrize("left", ["", "0" * 32, "0" * 64, "\0" * 64], ids=["empty", "half", "no document", "zeros"])
def test_a_name_stands_for_a_document_until_either_is_damaged_and_can_be_given_anew(store: Store, left: str) -> None:
    kept = Bundles(store)
    store.name("f" * 32, kept.put({"a": 1}))
    assert kept.named("f" * 32) == {"a": 1}
    store.name("f" * 32, left)
    for name in ("f" * 32, "e" * 32):
        with pytest.raises(KeyError):
            kept.named(name)
    store.name("f" * 32, kept.put({"a": 2}))
    assert kept.named("f" * 32) == {"a": 2}


def test_a_name_is_on_the_disk_before_it_has_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, written, fsync = Folder(tmp_path), [], os.fsync
    folder.put([b"one"])
    monkeypatch.setattr(os, "fsync", lambda file: (written.append(os.fstat(file).st_size), fsync(file)))
    folder.name("f" * 32, "0" * 64)
    assert written == [64]


def test_what_a_bucket_has_is_not_sent_again(s3: S3) -> None:
    bucket = Bucket("s3://bundles/development")
    digests = [bucket.put([text]) for text in (b"one", b"two", b"one")]
    keys = [f"/bundles/development/files/{digest[:2]}/{digest}" for digest in digests]
    assert s3.sent == keys[:2]
    assert list(s3.objects.values()) == [b"one", b"two"]


@pytest.mark.parametrize("left", [b"half", b"as long"])
def test_a_damaged_file_is_missing_until_it_is_kept_again(tmp_path: Path, left: bytes) -> None:
    kept = Bundles(Folder(tmp_path))
    digest = kept.store.put([b"a file!"])
    (file,) = tmp_path.rglob(digest)
    file.write_bytes(left)
    with pytest.raises(KeyError, match=digest):
        kept.read(digest)
    assert kept.store.put([b"a file!"]) == digest
    assert kept.read(digest) == b"a file!"
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [file]


def test_a_damaged_object_is_missing_and_one_of_another_size_is_sent_again(s3: S3) -> None:
    kept = Bundles(Bucket("s3://bundles/development"))
    digest = kept.store.put([b"one"])
    for left in (b"two", b"on"):
        s3.objects = dict.fromkeys(s3.objects, left)
        with pytest.raises(KeyError, match=digest):
            kept.read(digest)
    kept.store.put([b"one"])
    assert kept.read(digest) == b"one"


def test_the_setting_says_which_it_is(tmp_path: Path, s3: S3) -> None:
    digest = bundles.opened(settings(tmp_path)).store.put([b"one"])
    assert Folder(tmp_path / "bundles").get(digest) == b"one"
    bundles.opened(settings(tmp_path, bundles="s3://bundles/development/")).store.put([b"two"])
    assert list(s3.objects.values()) == [b"two"]
    for wrong in ("bundles", "https://bundles/x", "s3:///x", "s3://Bundles"):
        with pytest.raises(ValidationError, match="bundles"):
            settings(tmp_path, bundles=wrong)
