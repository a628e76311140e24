"""Cloudflare's API, called with the platform's token: the only place where the broker uses it."""

import asyncio
from typing import Any

import httpx

from control_plane.broker.forms import Form
from control_plane.broker.refusals import Refused

ATTEMPTS = 3
PAUSE = 0.5
"""Seconds before the second attempt, and twice that before the third."""
REPEATABLE = frozenset({"GET", "DELETE"})
"""An upload is not sent twice by itself: who deploys decides, and may have something newer."""
TIMEOUT = httpx.Timeout(120, connect=10)


class Upstream:
    def __init__(self, url: str, token: str) -> None:
        self._authorization = {"Authorization": f"Bearer {token}"}
        self._http = httpx.AsyncClient(base_url=url, timeout=TIMEOUT)

    async def close(self) -> None:
        await self._http.aclose()

    async def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        form: Form | None = None,
        token: str | None = None,
    ) -> httpx.Response:
        """Cloudflare's answer, whatever it is; `token` stands in for the platform's. Raises `Refused` (502)."""
        headers = {"Authorization": f"Bearer {token}"} if token else self._authorization
        attempts = ATTEMPTS if method in REPEATABLE else 1
        for attempt in range(1, attempts + 1):
            try:
                answer = await self._http.request(
                    method,
                    path,
                    headers={**headers, **(form.headers if form else {})},
                    json=json,
                    content=form.body() if form else None,
                )
            except httpx.HTTPError as error:
                answer, problem = None, type(error).__name__
            if answer is not None and (not answer.is_server_error or attempt == attempts):
                return answer
            if attempt < attempts:
                await asyncio.sleep(PAUSE * attempt)
        raise Refused(502, f"Cloudflare gives no answer ({problem}): run the job again")
