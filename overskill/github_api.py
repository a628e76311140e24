"""GitHub's REST API, as commands call it."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from infra.config import StackConfig
from overskill.errors import CommandError

OFFICIAL_URL = "https://api.github.com"
TIMEOUT = 30.0


class GitHubApi:
    """A client for one token."""

    def __init__(self, token: str, base_url: str, transport: httpx.BaseTransport | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
        self._http = httpx.Client(base_url=base_url, headers=headers, timeout=TIMEOUT, transport=transport)

    @classmethod
    def of(cls, config: StackConfig, credentials: Mapping[str, str]) -> "GitHubApi":
        """That of a stack. Raises `CommandError` without a token."""
        token = credentials.get("GITHUB_TOKEN")
        if not token:
            raise CommandError(
                "GITHUB_TOKEN is not set: export one that may write contents, pull requests and workflows"
            )
        return cls(token, str(config.github.base_url or OFFICIAL_URL))

    def get(self, path: str, **query: str) -> Any:
        """None for what isn't there. Raises `CommandError` for any other refusal."""
        answer = self._send("GET", path, params=query)
        return None if answer.status_code == httpx.codes.NOT_FOUND else self._content("GET", path, answer)

    def post(self, path: str, content: Any) -> Any:
        """Raises `CommandError` with GitHub's own words."""
        return self._content("POST", path, self._send("POST", path, json=content))

    def patch(self, path: str, content: Any) -> Any:
        """Raises as `post` does."""
        return self._content("PATCH", path, self._send("PATCH", path, json=content))

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise CommandError(f"{method} {path}: no answer from {self._http.base_url}: {error}") from None

    def _content(self, method: str, path: str, answer: httpx.Response) -> Any:
        if answer.is_error:
            raise CommandError(f"{method} {path}: {answer.status_code}: {answer.text[:300]}")
        return answer.json()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._http.close()
