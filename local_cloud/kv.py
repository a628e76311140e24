"""Workers KV: values in the store, the same for the API and for the binding that a Worker has.

A value is a document of `kv_values`, by namespace id and key: `{blob, expiration?, metadata?}`. `expiration` is in
seconds since 1970; from then on the value is not there any more.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_cloud.store import Document, Reader, Store

MAX_KEY_BYTES = 512
MAX_VALUE_BYTES = 25 * 1024 * 1024
MAX_METADATA_BYTES = 1024
MIN_TTL_SECONDS = 60
MAX_KEYS = 1000
"""On one page of a list."""
OPTIONS = ("expiration", "expiration_ttl")
"""Of a value: one of them says how long it stays."""


class KvError(Exception):
    """What KV does not keep; `status` is HTTP's, `code` the API's."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass(frozen=True, kw_only=True)
class Value:
    """A value to keep; `options` are of `OPTIONS`, as text. `metadata` is JSON."""

    body: bytes
    options: Mapping[str, str]
    metadata: str | None = None


@dataclass(frozen=True, kw_only=True)
class Keys:
    """A page of a list, `[{name, expiration?, metadata?}]`; `cursor` leads to the next one, None at the end."""

    keys: list[Document]
    cursor: str | None


def read(reader: Reader, namespace: str, key: str) -> Document | None:
    """The value's document; `reader.blob(document["blob"])` is its body."""
    found = reader.get("kv_values", namespace, key)
    return found if found and _live(found) else None


def keys(reader: Reader, namespace: str, *, prefix: str = "", limit: int = MAX_KEYS, cursor: str = "") -> Keys:
    """The keys that begin with `prefix`, in the order of their UTF-8."""
    page: list[Document] = []
    for name, value in reader.items("kv_values", namespace, after=cursor):
        if not name.startswith(prefix) or not _live(value):
            continue
        if len(page) == limit:
            return Keys(keys=page, cursor=page[-1]["name"])
        page.append({"name": name, **{field: value[field] for field in ("expiration", "metadata") if field in value}})
    return Keys(keys=page, cursor=None)


def write(store: Store, namespace: str, key: str, value: Value) -> None:
    """Keep a value, over an older one. Raises `KvError`."""
    if key in {"", ".", ".."}:
        raise KvError(400, 10042, f"illegal key name: {key!r}")
    if len(key.encode()) > MAX_KEY_BYTES:
        raise KvError(414, 10030, f"UTF-8 encoded length of {len(key.encode())} exceeds limit of {MAX_KEY_BYTES}")
    if len(value.body) > MAX_VALUE_BYTES:
        raise KvError(413, 10024, f"Value length of {len(value.body)} exceeds limit of {MAX_VALUE_BYTES}")
    kept = {"blob": store.put_blob(value.body), **_expiration(value.options)}
    if value.metadata is not None:
        kept["metadata"] = _metadata(value.metadata)
    store.put("kv_values", namespace, key, kept)


def delete(store: Store, namespace: str, key: str) -> None:
    """A key that is not there is no error."""
    store.delete("kv_values", namespace, key)


def _live(value: Document) -> bool:
    return value.get("expiration", float("inf")) > time.time()


def _expiration(options: Mapping[str, str]) -> dict[str, int]:
    for name, code, base in (("expiration_ttl", 10034, int(time.time())), ("expiration", 10033, 0)):
        if name in options:
            if not options[name].isdecimal() or base + int(options[name]) < int(time.time()) + MIN_TTL_SECONDS:
                raise KvError(400, code, f"Invalid {name} of {options[name]}: at least {MIN_TTL_SECONDS} seconds ahead")
            return {"expiration": base + int(options[name])}
    return {}


def _metadata(text: str) -> Any:
    if len(text.encode()) > MAX_METADATA_BYTES:
        raise KvError(413, 10024, f"Metadata length of {len(text.encode())} exceeds limit of {MAX_METADATA_BYTES}")
    try:
        return json.loads(text, parse_constant=_no_json)
    except ValueError as error:
        raise KvError(400, 10029, f"metadata is not JSON: {error}") from None


def _no_json(constant: str) -> None:
    """Python reads NaN and Infinity, which SQLite's JSON does not know."""
    raise ValueError(constant)
