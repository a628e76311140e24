"""Senders of webhooks: signed as GitHub and as an app's pipeline sign theirs, by many connections at once."""

import asyncio
import datetime as dt
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from server_process import app_secret
from standardwebhooks import Webhook

SCRIPTS = {"production": "{}", "staging": "staging-{}", "preview": "preview-{}"}
RUN_URL = "http://github.localhost/runs/{}"


@dataclass(frozen=True)
class Request:
    """A POST."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def raw(self) -> bytes:
        headers = {"Host": "localhost", "Content-Length": str(len(self.body)), **self.headers}
        lines = [f"POST {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


def notice(app_id: str, type: str, run_id: int, **more: Any) -> dict[str, Any]:
    """What a pipeline tells of a deploy of production."""
    return {
        "type": f"deploy.{type}",
        "app": app_id,
        "environment": "production",
        "script": app_id,
        "commit": f"{run_id:040x}",
        "pull_request": None,
        "run": {"id": run_id, "attempt": 1, "url": RUN_URL.format(run_id)},
        "actor": "octocat",
        "at": dt.datetime.now(dt.UTC).isoformat(),
        **more,
    }


def from_pipeline(told: dict[str, Any], *, id: str | None = None, age: float = 0, secret: str | None = None) -> Request:
    """`age` in seconds; `secret` is the app's unless another one is given."""
    body, id = json.dumps(told).encode(), id or f"msg_{uuid.uuid4().hex}"
    at = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=age)
    signature = Webhook((secret or app_secret(told["app"])).encode()).sign(id, at, body.decode())
    headers = {"webhook-id": id, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}
    return Request("/api/hooks/deploy", {"Content-Type": "application/json", **headers}, body)


def from_github(
    event: str, payload: dict[str, Any], *, app_id: str, id: str | None = None, secret: str | None = None
) -> Request:
    """Of the app's repository, whose number is in the payload."""
    body = json.dumps(payload).encode()
    signature = hmac.new((secret or app_secret(app_id)).encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": id or str(uuid.uuid4()),
        "X-GitHub-Hook-Installation-Target-ID": str(payload["repository"]["id"]),
        "X-Hub-Signature-256": f"sha256={signature}",
    }
    return Request("/webhooks/github", headers, body)


@dataclass
class Answered:
    """`status` is 0 for a connection that broke; `seconds` from the first byte sent to the last one read."""

    status: int
    seconds: float


async def send(port: int, requests: Iterable[Request], connections: int = 32) -> list[Answered]:
    """Send all as fast as they are answered, each signed when its turn comes if they are made as they are asked for.

    The answers are in the order of the requests.
    """
    numbered, answers = enumerate(requests), dict[int, Answered]()

    async def one_connection() -> None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return
        for number, request in numbered:
            answers[number] = Answered(0, 0.0)
            began = time.perf_counter()
            try:
                writer.write(request.raw)
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
            except (OSError, EOFError):
                break
            answers[number] = Answered(int(head.split()[1]), time.perf_counter() - began)
        writer.close()

    await asyncio.gather(*(one_connection() for _ in range(connections)))
    for number, _ in numbered:  # nobody was there any more to send it to
        answers[number] = Answered(0, 0.0)
    return [answers[number] for number in sorted(answers)]


def sent(port: int, requests: Iterable[Request], connections: int = 32) -> list[Answered]:
    return asyncio.run(send(port, requests, connections))
