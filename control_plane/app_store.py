"""What a platform's operators have set on its apps: in the app store, a KV namespace, under `state:{app id}`.

Source: https://developers.cloudflare.com/api/resources/kv/
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Literal
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict

from app_stacks.cloudflare_api import CloudflareApi, base_url
from app_stacks.cloudflare_error import CloudflareError
from infra.config import StackConfig
from infra.names import app_store

State = Literal["suspended", "over-quota", "legal", "maintenance"]

PREFIX = "state:"
REMOVAL = "removal"
"""What the metadata of a state has, where the app is to be destroyed: a time."""

NAMESPACES = 100
"""KV namespaces on a page."""

AT_ONCE = 100
"""Values that one call reads at most; one that writes takes more."""


class AppState(BaseModel):
    """Why an app is not served. `reason` is the operators' own; times are in UTC, and nothing resumes at `until`."""

    model_config = ConfigDict(frozen=True)

    state: State
    reason: str
    since: datetime
    until: datetime | None = None

    def __str__(self) -> str:
        return f"{self.state} ({self.reason})"


class AppStore(CloudflareApi):
    """The states in the app store of one platform. `title` is that of its KV namespace, which is looked up without an
    `id_`."""

    def __init__(self, token: str, base_url: str, account_id: str, title: str, id_: str | None = None) -> None:
        super().__init__(token, base_url)
        self.title, self._id = title, id_
        self._namespaces = f"/accounts/{account_id}/storage/kv/namespaces"

    @classmethod
    def of(cls, config: StackConfig, credentials: Mapping[str, str]) -> "AppStore":
        """That of a stack. Raises `CloudflareError` without a token."""
        platform, token = config.overskill, credentials.get("CLOUDFLARE_API_TOKEN")
        if not token:
            raise CloudflareError("CLOUDFLARE_API_TOKEN is not set: export one that may write Workers KV Storage")
        title = app_store(platform.prefix, platform.platform_environment)
        return cls(token, base_url(config.cloudflare.base_url), platform.account_id, title)

    @cached_property
    def _namespace(self) -> str | None:
        """The path of the KV namespace; None before the platform has been brought up."""
        if self._id:
            return f"{self._namespaces}/{self._id}"
        page = 1
        while True:
            query = {"page": str(page), "per_page": str(NAMESPACES)}
            found = self._call("GET", self._namespaces, params=query)
            for namespace in found:
                if namespace["title"] == self.title:
                    return f"{self._namespaces}/{namespace['id']}"
            if len(found) < NAMESPACES:
                return None
            page += 1

    def state(self, app_id: str) -> AppState | None:
        """None for an active app. Raises `CloudflareError` for what is no state."""
        if not self._namespace:
            return None
        try:
            return AppState.model_validate(self._send("GET", self._value(app_id)))
        except CloudflareError as error:
            if error.status == httpx.codes.NOT_FOUND:
                return None
            raise
        except ValueError as error:
            raise self._no_state(app_id, error) from None

    def texts(self, app_ids: Collection[str]) -> dict[str, str]:
        """What is kept of those among `app_ids`, `AT_ONCE` of them at most, that have a state, by one call."""
        if not self._namespace or not app_ids:
            return {}
        body = {"keys": [PREFIX + app_id for app_id in app_ids]}
        found = self._call("POST", f"{self._namespace}/bulk/get", json=body)["values"]
        return {key.removeprefix(PREFIX): text for key, text in found.items() if text is not None}

    def parsed(self, app_id: str, text: str) -> AppState:
        """The state that a text of `texts` is. Raises `CloudflareError` for what is none."""
        try:
            return AppState.model_validate_json(text)
        except ValueError as error:
            raise self._no_state(app_id, error) from None

    def set_state(self, app_id: str, state: AppState, removal: datetime | None = None) -> None:
        """Over another one; an app that is to be destroyed may be removed from `removal` on.

        Raises `CloudflareError` where the platform has no app store.
        """
        self._require_namespace()
        text = state.model_dump_json(exclude_none=True)
        parts = [("value", (None, text))]
        if removal:
            parts.append(("metadata", (None, json.dumps({REMOVAL: removal.isoformat()}))))
        self._call("PUT", self._value(app_id), files=parts)

    def clear_state(self, app_id: str) -> None:
        """Make the app active; one that is active already is no error."""
        if self._namespace:
            self._call("DELETE", self._value(app_id))

    def set_states(self, states: Mapping[str, AppState]) -> None:
        """As `set_state`, of all by one call: where it raises, some may have theirs."""
        self._require_namespace()
        pairs = [
            {"key": PREFIX + app_id, "value": state.model_dump_json(exclude_none=True)}
            for app_id, state in states.items()
        ]
        self._write("PUT", "bulk", pairs)

    def clear_states(self, app_ids: Collection[str]) -> None:
        """As `clear_state`, of all by one call."""
        if self._namespace:
            self._write("POST", "bulk/delete", [PREFIX + app_id for app_id in app_ids])

    def suspended(self) -> set[str]:
        """The ids of the apps that have a state, from the list of keys alone."""
        return {app_id for app_id, _ in self._listed()}

    def removals(self) -> dict[str, datetime]:
        """The apps that are to be destroyed, and when each may be removed."""
        return self._removals(PREFIX)

    def removal(self, app_id: str) -> datetime | None:
        """When the app may be removed, if it is to be destroyed."""
        return self._removals(PREFIX + app_id).get(app_id)

    def states(self, app_ids: Iterable[str]) -> dict[str, AppState]:
        """Of those among `app_ids` that have one."""
        found = {app_id: self.state(app_id) for app_id in sorted(self.suspended() & set(app_ids))}
        return {app_id: state for app_id, state in found.items() if state}

    def _require_namespace(self) -> None:
        if not self._namespace:
            raise CloudflareError(f"there is no KV namespace {self.title}: bring the platform up first")

    def _write(self, method: str, path: str, body: list[Any]) -> None:
        if body and (left := self._call(method, f"{self._namespace}/{path}", json=body).get("unsuccessful_keys")):
            raise CloudflareError(f"{method} {path} of KV namespace {self.title} left out {', '.join(left)}")

    def _no_state(self, app_id: str, error: ValueError) -> CloudflareError:
        return CloudflareError(f"{PREFIX}{app_id} in KV namespace {self.title} is no state: delete it: {error}")

    def _value(self, app_id: str) -> str:
        return f"{self._namespace}/values/{quote(PREFIX + app_id, safe='')}"

    def _removals(self, prefix: str) -> dict[str, datetime]:
        noted = ((app_id, metadata.get(REMOVAL)) for app_id, metadata in self._listed(prefix))
        return {app_id: datetime.fromisoformat(at) for app_id, at in noted if at}

    def _listed(self, prefix: str = PREFIX) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Each app that has a state, and the metadata of that; none before the platform has been brought up."""
        if not self._namespace:
            return
        query = {"prefix": prefix}
        while True:
            page = self._send("GET", f"{self._namespace}/keys", params=query)
            yield from ((key["name"].removeprefix(PREFIX), key.get("metadata") or {}) for key in page["result"])
            if not (cursor := page["result_info"].get("cursor")):
                return
            query["cursor"] = cursor
