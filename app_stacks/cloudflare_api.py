"""Cloudflare's API, as far as Pulumi's Cloudflare provider lacks it: namespace scripts, and lists.

Source: https://developers.cloudflare.com/api/resources/workers_for_platforms/
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

OFFICIAL_BASE_URL = "https://api.cloudflare.com/client/v4"

PAGE = 1000
"""Scripts in one answer: the most that Cloudflare gives."""


def base_url(configured: object, environment: Mapping[str, str] = os.environ) -> str:
    """Where Cloudflare's API is, chosen as its provider plugin does: the stack's `cloudflare:baseUrl` comes first."""
    return str(configured or environment.get("CLOUDFLARE_BASE_URL") or OFFICIAL_BASE_URL)


class CloudflareError(Exception):
    """Cloudflare refused a call, or did not answer it. `status` is None if there was no answer."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


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
    """A client for one token. Raises `CloudflareError` for every answer that is not a success."""

    def __init__(self, token: str, base_url: str = OFFICIAL_BASE_URL) -> None:
        self._http = httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def __enter__(self) -> "CloudflareApi":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def settings(self, address: ScriptAddress) -> dict[str, Any] | None:
        """`{"bindings": [...], "tags": [...], ...}`, or None if there is no such script or namespace."""
        try:
            return self._call("GET", f"{address.path}/settings")
        except CloudflareError as error:
            if error.status == httpx.codes.NOT_FOUND:
                return None
            raise

    def upload(self, address: ScriptAddress, metadata: Mapping[str, Any], modules: Mapping[str, str]) -> None:
        """Make or overwrite the script. `modules` are ES modules by file name; `metadata` names the main one."""
        parts = [("metadata", (None, json.dumps(metadata), "application/json"))]
        parts += [(name, (name, body, "application/javascript+module")) for name, body in modules.items()]
        self._call("PUT", address.path, files=parts)

    def patch_settings(self, address: ScriptAddress, settings: Mapping[str, Any]) -> None:
        """Change bindings and tags without touching the code."""
        parts = [("settings", (None, json.dumps(settings), "application/json"))]
        self._call("PATCH", f"{address.path}/settings", files=parts)

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
                page = self._send("GET", path, params=query)
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

    def _call(self, method: str, path: str, **options: Any) -> Any:
        return self._send(method, path, **options)["result"]

    def _send(
        self,
        method: str,
        path: str,
        files: Sequence[tuple[str, Any]] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Any:
        try:
            answer = self._http.request(method, path, files=files, params=params)
        except httpx.HTTPError as error:
            raise CloudflareError(f"{method} {path}: no answer from {self._http.base_url}: {error}") from error
        if answer.is_success:
            return answer.json()
        try:
            reasons = "; ".join(f"{reason['message']} (code {reason['code']})" for reason in answer.json()["errors"])
        except (ValueError, KeyError, TypeError):
            reasons = answer.text[:200]
        raise CloudflareError(f"{method} {path}: HTTP {answer.status_code}: {reasons}", answer.status_code)
