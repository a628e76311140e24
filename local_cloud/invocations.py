"""What was invoked at the edge, counted: what the GraphQL API is asked for.

Invocations of one script in the same second and with the same status are one document of `invocations`, in the order of
time: `{at, namespace, script, status, requests, errors, subrequests, cpu_us, wall_us, cpu_samples, wall_samples}`. `at`
is in seconds since 1970, `namespace` None for an account Worker. The samples, in microseconds, are for quantiles.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from local_cloud.store import Document, Reader, Store

COLLECTION = "invocations"
MAX_SAMPLES = 100
"""Of one document: of more invocations, a sample at random."""

Status = Literal["success", "clientDisconnected", "scriptThrewException", "exceededResources", "internalError"]

NO_ERRORS = frozenset({"success", "clientDisconnected"})


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """One call of a script. `at`: when it ended, in seconds since 1970; times in microseconds."""

    at: float
    namespace: str | None
    script: str
    status: Status
    subrequests: int
    cpu_us: int
    wall_us: int


def append(store: Store, rows: Iterable[Invocation]) -> None:
    """Count invocations, each document read and written once; to be called inside a transaction."""
    counted: dict[str, Document] = {}
    for row in rows:
        key = f"{int(row.at):012} {row.namespace or ''} {row.script} {row.status}"
        before = counted.get(key) or store.get(COLLECTION, "", key) or _empty(row)
        counted[key] = _with(before, row)
    for key, document in counted.items():
        store.put(COLLECTION, "", key, document)


def between(reader: Reader, start: int, end: int) -> Iterator[Document]:
    """Those that ended in the seconds from `start` to `end`, both of them included."""
    for _, document in reader.items(COLLECTION, "", after=f"{max(start, 0):012}"):
        if document["at"] > end:
            return
        yield document


def _empty(row: Invocation) -> Document:
    counts = dict.fromkeys(("requests", "errors", "subrequests", "cpu_us", "wall_us"), 0)
    names = {"at": int(row.at), "namespace": row.namespace, "script": row.script, "status": row.status}
    return {**names, **counts, "cpu_samples": [], "wall_samples": []}


def _with(counted: Document, row: Invocation) -> Document:
    requests = counted["requests"] + 1
    return {
        **counted,
        "requests": requests,
        "errors": counted["errors"] + (row.status not in NO_ERRORS),
        **{name: counted[name] + getattr(row, name) for name in ("subrequests", "cpu_us", "wall_us")},
        "cpu_samples": _sampled(counted["cpu_samples"], row.cpu_us, requests),
        "wall_samples": _sampled(counted["wall_samples"], row.wall_us, requests),
    }


def _sampled(samples: list[int], value: int, requests: int) -> list[int]:
    """Reservoir sampling: each of the `requests` values so far is as likely to be among the samples."""
    if len(samples) < MAX_SAMPLES:
        return [*samples, value]
    place = random.randrange(requests)  # noqa: S311 - nothing secret
    return [*samples[:place], value, *samples[place + 1 :]] if place < MAX_SAMPLES else samples
