"""Programs and a download host that tests of the toolchain make up."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass(frozen=True)
class Answer:
    """What the host answers to a GET."""

    body: bytes = b""
    status: int = 200
    length: int | None = None
    """The Content-Length it claims; by default the true one."""
    silent_seconds: float = 0


def program(file: Path, script: str) -> Path:
    """An executable `/bin/sh` script. It finds the system's tools whatever PATH it is run with."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\nset -eu\nPATH=/usr/bin:/bin\n{script}\n")
    file.chmod(0o755)
    return file


@contextmanager
def download_host(answers: Mapping[str, Answer]) -> Iterator[str]:
    """The URL of a host on loopback that answers by path; a path that is not there is a 404."""
    closing = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(404)
            self.end_headers()

        def do_GET(self) -> None:
            answer = answers.get(self.path, Answer(status=404))
            closing.wait(answer.silent_seconds)
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.body) if answer.length is None else answer.length))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            closing.set()
            server.shutdown()
            thread.join()
