"""Both APIs as a sweep reads them: within their limits, counted, and asked again where a failure passes."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from overskill.errors import CommandError
from overskill.fleet.limits import PUBLISHED, Bucket, Calls, Limit

Service = Literal["cloudflare", "github"]

PAUSES = (1.0, 5.0, 20.0)
"""Seconds before each further attempt, unless the service asks for more."""

TIMEOUT = 30.0
SCRIPTS, REPOSITORIES = 1000, 100
"""On a page: the most that each service gives."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """Where a service answers, and the token for it."""

    url: str
    token: str = field(repr=False)


class Apis:
    """Asked one call at a time; `made` counts every attempt.

    Raises `CommandError` for what is refused or not answered.
    """

    def __init__(
        self,
        services: Mapping[Service, Access],
        limits: Sequence[Limit] = PUBLISHED,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.made = Calls()
        self._buckets = [Bucket(limit) for limit in limits]
        self._clock, self._sleep = clock, sleep
        self._clients = {
            service: httpx.Client(
                base_url=access.url,
                headers={"Authorization": f"Bearer {access.token}"},
                timeout=TIMEOUT,
                # GitHub leads from a repository's old name to its new one.
                follow_redirects=True,
                trust_env=False,
                transport=transport,
            )
            for service, access in services.items()
        }

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def cloudflare(self, path: str, **query: str) -> Any:
        """The whole body of a GET, or None where there is nothing."""
        return self.send("cloudflare", "GET", path, params=query)

    def github(self, path: str, **query: str) -> Any:
        """As `cloudflare`."""
        return self.send("github", "GET", path, params=query)

    def scripts(self, account_id: str, namespace: str) -> Iterator[dict[str, Any]]:
        """All scripts of a dispatch namespace; none where that does not exist."""
        query = {"limit": str(SCRIPTS)}
        while page := self.cloudflare(
            f"accounts/{account_id}/workers/dispatch/namespaces/{namespace}/scripts", **query
        ):
            yield from page["result"]
            cursor = (page.get("result_info") or {}).get("cursor")
            if not cursor:
                return
            query["cursor"] = cursor

    def cloudflare_pages(self, path: str, per_page: int, **query: str) -> Iterator[dict[str, Any]]:
        """All entries of a list that counts its pages."""
        number = 1
        while True:
            found = _there(path, self.cloudflare(path, page=str(number), per_page=str(per_page), **query))["result"]
            yield from found
            if len(found) < per_page:
                return
            number += 1

    def github_pages(self, path: str, key: str = "", **query: str) -> Iterator[dict[str, Any]]:
        """All entries of a list; with a `key`, each page has them under that."""
        number = 1
        while True:
            body = _there(path, self.github(path, page=str(number), per_page=str(REPOSITORIES), **query))
            found = body[key] if key else body
            yield from found
            if len(found) < REPOSITORIES:
                return
            number += 1

    def send(self, service: Service, method: str, path: str, **options: Any) -> Any:
        """The body of the answer, empty for an answer without one; None for 404."""
        pauses = [*PAUSES]
        while True:
            answer, told = self._attempt(service, method, path, options)
            if answer is not None and answer.status_code == httpx.codes.NOT_FOUND:
                return None
            if answer is not None and answer.is_success:
                return answer.json() if answer.content else {}
            wait = _pause(answer, pauses)
            if wait is None:
                raise CommandError(f"{method} {path}: {told}")
            self._sleep(wait)

    def _attempt(
        self, service: Service, method: str, path: str, options: Mapping[str, Any]
    ) -> tuple[httpx.Response | None, str]:
        changes = service == "github" and method != "GET"
        calls = Calls(cloudflare=int(service == "cloudflare"), github=int(service == "github"), content=int(changes))
        self._wait_for(calls)
        self.made += calls
        client = self._clients[service]
        try:
            answer = client.request(method, path, **options)
        except httpx.HTTPError as error:
            return None, f"no answer from {client.base_url}: {error or type(error).__name__}"
        return answer, f"HTTP {answer.status_code}: {answer.text[:200]}"

    def _wait_for(self, calls: Calls) -> None:
        """Until every limit leaves room for the call; it is taken at once."""
        for bucket in self._buckets:
            if needed := getattr(calls, bucket.limit.kind):
                if (wait := bucket.wait(needed, self._clock())) > 0:
                    self._sleep(wait)
                bucket.take(needed)
                bucket.spend(needed, needed, self._clock())


def _there(path: str, body: Any) -> Any:
    """A list that is not there would look as if all that it has were gone: services hide from a token what it may not
    read. Raises `CommandError`."""
    if body is None:
        raise CommandError(f"GET {path}: HTTP 404: it is gone, or the token may not read it: ./dev doctor tells")
    return body


def _pause(answer: httpx.Response | None, pauses: list[float]) -> float | None:
    """Seconds until the next attempt; None where there is none."""
    asked = 0.0 if answer is None else _asked(answer.headers)
    passing = answer is None or answer.is_server_error or answer.status_code == httpx.codes.TOO_MANY_REQUESTS or asked
    return max(pauses.pop(0), asked) if passing and pauses else None


def _asked(headers: Mapping[str, str]) -> float:
    """Seconds that a service asks to wait for; GitHub tells of its hourly limit by the time at which that ends."""
    if headers.get("retry-after", "").isdecimal():
        return float(headers["retry-after"])
    reset = headers.get("x-ratelimit-reset", "")
    spent = headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal()
    return max(1.0, float(reset) - time.time()) if spent else 0.0
