"""HTTP calls to the local cloud, and to nothing else."""

import ipaddress
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from local_cloud.providers.errors import ApiError, NotFound, ProviderError

TIMEOUT = 60.0
"""Seconds: a first upload answers only once the Worker is live."""


@dataclass(frozen=True, kw_only=True)
class Retries:
    """A call that is answered with one of `statuses` is made again, `attempts` times at most, `delay` s apart."""

    statuses: frozenset[int]
    attempts: int
    delay: float


@dataclass(kw_only=True)
class Pace:
    """One call at a time, with a wait before the next one: `after_write` and `after_read` in seconds.

    The official GitHub plugin keeps to it (terraform-provider-github, github/transport.go).
    """

    after_write: float = 0.0
    after_read: float = 0.0
    one_at_a_time: bool = True
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _next: float = 0.0

    def turn(self) -> AbstractContextManager[Any]:
        return self._turn if self.one_at_a_time else nullcontext()

    def wait(self, method: str) -> None:
        time.sleep(max(0.0, self._next - time.monotonic()))
        self._next = time.monotonic() + (self.after_read if method == "GET" else self.after_write)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A successful answer as it came."""

    text: str
    etag: str

    @property
    def body(self) -> Any:
        """What it holds as JSON; None where it holds nothing."""
        return json.loads(self.text) if self.text else None


@dataclass(frozen=True, kw_only=True)
class Client:
    """Calls below `base_url`, authorised by `token`. `explain` makes an error's body the service's message."""

    base_url: str
    token: str = field(repr=False)
    retries: Retries
    explain: Callable[[Any], str]
    pace: Pace = field(default_factory=lambda: Pace(one_at_a_time=False))
    # Proxies of the environment and redirects would both lead away from the loopback address.
    http: httpx.Client = field(
        default_factory=lambda: httpx.Client(timeout=TIMEOUT, trust_env=False, follow_redirects=False), repr=False
    )

    def __post_init__(self) -> None:
        require_loopback(self.base_url)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        parameters: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make one call; `body` is sent as JSON, `form` as a multipart one.

        Raises `NotFound` for a 404 and `ApiError` for every other failure.
        """
        url = self.base_url.rstrip("/") + path
        require_loopback(url)
        request = self.http.build_request(
            method,
            url,
            json=body,
            params=parameters,
            files=form and [(name, (None, value)) for name, value in form.items()],
            headers={"Authorization": f"Bearer {self.token}"},
        )
        response = self._send(request)
        if response.is_success:
            return Answer(text=response.text, etag=response.headers.get("etag", ""))
        error = NotFound if response.status_code == httpx.codes.NOT_FOUND else ApiError
        raise error(
            f"{method} {request.url}: {response.status_code} {response.reason_phrase}: {self._reason(response)}"
        )

    def _send(self, request: httpx.Request) -> httpx.Response:
        response = self._send_once(request)
        for _ in range(self.retries.attempts):
            if response.status_code not in self.retries.statuses:
                break
            time.sleep(self.retries.delay)
            response = self._send_once(request)
        return response

    def _send_once(self, request: httpx.Request) -> httpx.Response:
        try:
            with self.pace.turn():
                self.pace.wait(request.method)
                return self.http.send(request)
        except httpx.ConnectError:
            hint = "nothing answers there; start the local cloud (./dev up)"
            raise ApiError(f"{request.method} {request.url}: {hint}") from None
        except httpx.HTTPError as error:
            raise ApiError(f"{request.method} {request.url}: {type(error).__name__}: {error}") from None

    def _reason(self, response: httpx.Response) -> str:
        try:
            return self.explain(response.json())
        except (ValueError, TypeError, LookupError, AttributeError):
            return response.text[:200] or "no message"


def require_loopback(url: str) -> None:
    """Raise `ProviderError` unless `url` leads to this machine alone: 127.0.0.0/8, ::1 or localhost."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    if not _is_loopback(host):
        raise ProviderError(
            f"{url}: the local cloud's stand-in provider talks to loopback only (127.0.0.0/8, ::1, localhost), "
            "since it is no replacement for the official plugin on a real account. Point its baseUrl at the local "
            "cloud, or use the official plugin (--providers official)."
        )


def _is_loopback(host: str) -> bool:
    try:
        if host == "localhost":
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            return all(ipaddress.ip_address(address[4][0]).is_loopback for address in found)
        return ipaddress.ip_address(host).is_loopback
    except (ValueError, OSError):
        return False
