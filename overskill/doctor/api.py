"""Calls whose refusals are findings, and no exceptions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

TIMEOUT = 15


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`status` is 0 where nothing answered; `message` is the service's own, or why there was none."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, kw_only=True)
class Api:
    """One service, asked with one token."""

    base_url: str
    token: str = field(repr=False)
    transport: httpx.BaseTransport | None = None

    def get(self, path: str, **query: str) -> Answer:
        return self._answer("GET", path, params=query or None)

    def refused_post(self, path: str) -> Answer:
        """A POST that asks for nothing: its body is no JSON. Who may write is refused for that, others with 403."""
        return self._answer("POST", path, content=b"?", headers={"Content-Type": "application/json"})

    def _answer(self, method: str, path: str, **options: Any) -> Answer:
        authorization = {"Authorization": f"Bearer {self.token}"}
        try:
            with httpx.Client(
                base_url=self.base_url, headers=authorization, timeout=TIMEOUT, transport=self.transport
            ) as client:
                answer = client.request(method, path, **options)
        except httpx.HTTPError as failure:
            reason = str(failure) or type(failure).__name__
            return Answer(status=0, message=f"no answer from {self.base_url}: {reason}")
        try:
            body = answer.json() if answer.content else None
        except ValueError:
            body = None
        return Answer(
            status=answer.status_code, body=body, headers=answer.headers, message=_message(body) or answer.text[:200]
        )


def _message(body: Any) -> str:
    """What Cloudflare (`errors`) or GitHub (`message`) says."""
    match body:
        case {"errors": [{"message": str(message)}, *_]} | {"message": str(message)}:
            return message
        case _:
            return ""
