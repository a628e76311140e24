"""Console logs and exceptions of Workers: the newest of each script, kept as documents of `logs`.

The scope is `{namespace}/{script}`, with an empty namespace for a Worker of the account. A value is `{timestamp_ms,
level, message, stack?, request: {method, url}?, outcome}`; `level` is `debug`, `info`, `log`, `warn`, `error` or
`exception`. Keys grow with each entry, so that who has read up to one reads on behind it.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from local_cloud.store import Document, Reader, Store

MAX_KEPT = 1000
"""Of the entries of a script."""

MAX_CHARACTERS = 16 * 1024
"""Of a message, and of a stack, as much is kept."""


class Query(BaseModel):
    """What `/_local/logs` is asked: the newest entries of a script, or the first ones behind the key `after`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    script: str
    namespace: str = ""
    after: str | None = None
    limit: int = Field(default=100, ge=1, le=MAX_KEPT)


def append(store: Store, namespace: str, script: str, entries: Iterable[Document]) -> None:
    """Keep what a script has said, inside a transaction; its oldest entries make room."""
    scope = _scope(namespace, script)
    newest = store.newest("logs", scope, 1)
    milliseconds, number = map(int, newest[0][0].split("-")) if newest else (0, 0)
    for entry in entries:
        # What arrives late is sorted by its arrival: a reader has passed its time.
        later = entry["timestamp_ms"] > milliseconds
        milliseconds, number = (entry["timestamp_ms"], 0) if later else (milliseconds, number + 1)
        cut = {name: _cut(entry[name]) for name in ("message", "stack") if name in entry}
        store.put("logs", scope, f"{milliseconds:013}-{number:06}", {**entry, **cut})
    store.trim("logs", scope, MAX_KEPT)


def read(store: Reader, query: Query) -> list[dict[str, Any]]:
    """The entries, oldest first, each with its `key`."""
    scope = _scope(query.namespace, query.script)
    if query.after is None:
        found = store.newest("logs", scope, query.limit)
    else:
        found = list(islice(store.items("logs", scope, query.after), query.limit))
    return [{"key": key, **entry} for key, entry in found]


def _scope(namespace: str, script: str) -> str:
    return f"{namespace}/{script}"


def _cut(text: str) -> str:
    more = len(text) - MAX_CHARACTERS
    return f"{text[:MAX_CHARACTERS]}… ({more} more characters)" if more > 0 else text
