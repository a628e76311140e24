"""Cloudflare's API, as far as Pulumi's Cloudflare provider lacks it: namespace scripts, and lists.

Source: https://developers.cloudflare.com/api/resources/workers_for_platforms/
"""

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

import httpx

from app_stacks.cloudflare_error import TOO_MANY, CloudflareError
from app_stacks.patience import NONE, Patience

OFFICIAL_BASE_URL = "https://api.cloudflare.com/client/v4"

JSON = "application/json"

SHOWN = 200
"""Characters of an answer that is no JSON which an error shows."""

TIMEOUT = 30.0
"""Seconds until a call that is not answered counts as failed."""

PAGE = 1000
"""Scripts in one answer: the most that Cloudflare gives."""


def base_url(configured: object, environment: Mapping[str, str] = os.environ) -> str:
    """Where Cloudflare's API is, chosen as its provider plugin does: the stack's `cloudflare:baseUrl` comes first."""
    return str(configured or environment.get("CLOUDFLARE_BASE_URL") or OFFICIAL_BASE_URL)


@dataclass(frozen=True, kw_only=True)
class ScriptAddress:
    """Where a namespace script is."""

    account_id: str
    namespace: str
    script: str

    @property
    def path(self) -> str:
        parts = ("accounts", self.account_id, "workers/dispatch/namespaces", self.namespace, "scripts", self.script)
        return "/" + "/".join(quote(part, safe="/") for part in parts)


class CloudflareApi:
    """A client for one token. Raises `CloudflareError` for every answer that is not a success.

    Calls that fail for a passing reason are made again as `patience` says, by default never.
    """

    def __init__(
        self, token: str, base_url: str = OFFICIAL_BASE_URL, *, patience: Patience = NONE, timeout: float = TIMEOUT
    ) -> None:
        self._http = httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {token}"}, timeout=timeout)
        self._patience = patience

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def settings(self, address: ScriptAddress) -> dict[str, Any] | None:
        """`{"bindings": [...], "tags": [...], ...}`, or None if there is no such script or namespace."""
        return self._patience.through(lambda: self._settings(address))

    def upload_new(
        self, address: ScriptAddress, metadata: Mapping[str, Any], modules: Mapping[str, str]
    ) -> dict[str, Any] | None:
        """Make the script and give None; if there is one, leave it alone and give its settings.

        `modules` are ES modules by file name; `metadata` names the main one. Each new attempt looks first: the one
        before may have succeeded without an answer, and an app been deployed since.
        """
        parts: list[tuple[str, tuple[str | None, str, str]]] = [("metadata", (None, json.dumps(metadata), JSON))]
        parts += [(name, (name, body, "application/javascript+module")) for name, body in modules.items()]

        def attempt() -> dict[str, Any] | None:
            existing = self._settings(address)
            if existing is None:
                self._send("PUT", address.path, files=parts)
            return existing

        return self._patience.through(attempt)

    def patch_settings(self, address: ScriptAddress, settings: Mapping[str, Any], ours: Collection[str] = ()) -> None:
        """Change bindings, tags, limits and observability, those that are given, without touching the code.

        Cloudflare replaces the bindings as a whole. Those that are not `ours` by name are kept, as each new attempt
        finds them.
        """

        def attempt() -> None:
            sent = {**settings}
            if "bindings" in sent:
                sent["bindings"] = [*sent["bindings"], *self._inherited(address, ours)]
            self._send("PATCH", _settings_path(address), files=[("settings", (None, json.dumps(sent), JSON))])

        self._patience.through(attempt)

    def delete(self, address: ScriptAddress) -> None:
        """Delete the script; one that is gone already is no error."""
        try:
            self._call("DELETE", address.path, params={"force": "true"})
        except CloudflareError as error:
            if error.status != httpx.codes.NOT_FOUND:
                raise

    def script_names(self, account_id: str, namespace: str) -> set[str]:
        """The names of all scripts in the namespace; none if it does not exist."""
        path = f"/accounts/{account_id}/workers/dispatch/namespaces/{quote(namespace)}/scripts"
        names: set[str] = set()
        query = {"limit": str(PAGE)}
        while True:
            try:
                page = self._answer("GET", path, params=query)
            except CloudflareError as error:
                if error.status == httpx.codes.NOT_FOUND:
                    return set()
                raise
            names |= {script["id"] for script in page["result"]}
            cursor = (page.get("result_info") or {}).get("cursor")
            if not cursor:
                return names
            query["cursor"] = cursor

    def deployments(self, account_id: str, worker: str) -> list[dict[str, Any]]:
        """The deployments of an account Worker, the newest first: `[{"versions": [{"version_id", "percentage"}]}]`.

        Empty if there is no such Worker.
        """
        try:
            return self._call("GET", f"/accounts/{account_id}/workers/scripts/{quote(worker)}/deployments")[
                "deployments"
            ]
        except CloudflareError as error:
            if error.status == httpx.codes.NOT_FOUND:
                return []
            raise

    def _inherited(self, address: ScriptAddress, ours: Collection[str]) -> list[dict[str, str]]:
        names = [binding["name"] for binding in self._send("GET", _settings_path(address))["result"]["bindings"]]
        return [{"type": "inherit", "name": name} for name in names if name not in ours]

    def _settings(self, address: ScriptAddress) -> dict[str, Any] | None:
        try:
            return self._send("GET", _settings_path(address))["result"]
        except CloudflareError as error:
            if error.status == httpx.codes.NOT_FOUND:
                return None
            raise

    def _call(self, method: str, path: str, **options: Any) -> Any:
        return self._answer(method, path, **options)["result"]

    def _answer(self, method: str, path: str, **options: Any) -> Any:
        return self._patience.through(lambda: self._send(method, path, **options))

    def _send(self, method: str, path: str, **options: Any) -> Any:
        """One attempt; `options` are those of `httpx.Client.request`."""
        call = f"{method} {path}"
        try:
            answer = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            told = str(error) or type(error).__name__
            raise CloudflareError(f"{call}: no answer from {self._http.base_url}: {told}", passing=True) from error
        if not answer.is_success:
            raise _refused(call, answer)
        try:
            return answer.json()
        except ValueError:
            raise CloudflareError(
                f"{call}: HTTP {answer.status_code} without JSON: {answer.text[:SHOWN]!r}", answer.status_code
            ) from None


def _settings_path(address: ScriptAddress) -> str:
    return f"{address.path}/settings"


def _refused(call: str, answer: httpx.Response) -> CloudflareError:
    try:
        reasons = "; ".join(f"{reason['message']} (code {reason['code']})" for reason in answer.json()["errors"])
    except (ValueError, KeyError, TypeError):
        reasons = answer.text[:SHOWN]
    asked = answer.headers.get("retry-after", "")
    return CloudflareError(
        f"{call}: HTTP {answer.status_code}: {reasons}",
        answer.status_code,
        passing=answer.status_code in (httpx.codes.REQUEST_TIMEOUT, TOO_MANY) or answer.is_server_error,
        retry_after=float(asked) if asked.isdecimal() else 0,
    )
