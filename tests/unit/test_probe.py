"""An app's address is asked, and the app may answer whatever it likes."""

import gzip
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from control_plane.provisioning import probe


class App(BaseHTTPRequestHandler):
    """`/bomb` unpacks to 100 MB, `/drip` sends a byte now and then, `/none` is not there."""

    def do_GET(self) -> None:
        self.send_response(404 if self.path == "/none" else 200)
        if self.path == "/bomb":
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        if self.path == "/bomb":
            self.wfile.write(gzip.compress(bytes(100_000_000), compresslevel=1))
        while self.path == "/drip":
            self.wfile.write(b".")
            time.sleep(0.05)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True


@pytest.fixture
def app() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), App) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_little_is_read_of_what_unpacks_to_much(app: str) -> None:
    assert len(probe.answer(f"{app}/bomb").content) == probe.MOST


def test_an_answer_without_end_is_an_answer_in_time(app: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "SECONDS", 0.3)
    began = time.monotonic()
    assert probe.failure(f"{app}/drip") is None
    assert time.monotonic() - began < 5


def test_what_is_no_answer_is_told(app: str) -> None:
    assert probe.failure(f"{app}/none") == f"{app}/none: HTTP 404"
    assert "127.0.0.1:1" in str(probe.failure("http://127.0.0.1:1"))
    with pytest.raises(httpx.HTTPError):
        probe.answer("http://127.0.0.1:1")
