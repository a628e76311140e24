"""The builder: takes the events that it is sent, or fails to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook


class Builder:
    """`events` has what it took, in the order in which it came; `status` is what it answers."""

    def __init__(self, secret: str) -> None:
        self.events: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.status = 200
        self.asked = 0
        self.url = ""
        self._webhook = Webhook(secret)

    def take(self, body: bytes, headers: dict[str, str]) -> int:
        """Raises `WebhookVerificationError` for what is not signed."""
        self.asked += 1
        event = self._webhook.verify(body, headers)
        if self.status == 200:
            self.events.append(event)
            self.ids.append(headers["webhook-id"])
        return self.status


@contextmanager
def listening(builder: Builder) -> Iterator[Builder]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(builder.take(body, headers))
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        builder.url = f"http://127.0.0.1:{server.server_port}/events"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield builder
        server.shutdown()
        thread.join()
