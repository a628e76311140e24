"""What the edge tells of each call of an app: what it wrote to its console and threw, and how it ended."""

import json
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_cloud import invocations, logs
from local_cloud.edge.source import edge_only
from local_cloud.invocations import Invocation, Status
from local_cloud.store import Document, Store
from local_cloud.writes import Writes

STATUSES: dict[str, Status] = {
    "ok": "success",
    "canceled": "clientDisconnected",
    "exception": "scriptThrewException",
    "exceededCpu": "exceededResources",
}
"""By workerd's outcome of an event; any other is an internal error."""


def event_routes(store: Store, writes: Writes, token: str) -> list[Route]:
    """The route `POST /_edge/events`, open to bearers of `token` alone.

    The body is a list of `{namespace, script, outcome, timestamp, wall_ms, subrequests, request: {method, url}, logs:
    [{timestamp, level, message}], exceptions: [{timestamp, name, message, stack?}]}`, with times in milliseconds. The
    `message` of a log is the list of what was given to `console.log`. 401: wrong token.
    """

    async def keep_events(request: Request) -> Response:
        await writes.run(partial(keep, store, await request.json()))
        return Response(status_code=204)

    return [Route("/_edge/events", edge_only(token, keep_events), methods=["POST"])]


def keep(store: Store, events: list[Document]) -> None:
    """Keep events as logs and as invocations, inside a transaction."""
    told: defaultdict[tuple[str, str], list[Document]] = defaultdict(list)
    for event in events:
        told[event["namespace"], event["script"]] += _entries(event)
    for (namespace, script), entries in told.items():
        if entries:
            logs.append(store, namespace, script, sorted(entries, key=lambda entry: entry["timestamp_ms"]))
    invocations.append(store, map(_invocation, events))


def _entries(event: Document) -> Iterator[Document]:
    about = {"request": event["request"], "outcome": event["outcome"]}
    for entry in event["logs"]:
        message = " ".join(map(_text, entry["message"]))
        yield {"timestamp_ms": int(entry["timestamp"]), "level": entry["level"], "message": message, **about}
    for thrown in event["exceptions"]:
        stack = {"stack": thrown["stack"]} if thrown.get("stack") else {}
        message = f"{thrown['name']}: {thrown['message']}"
        yield {"timestamp_ms": int(thrown["timestamp"]), "level": "exception", "message": message, **stack, **about}


def _text(value: Any) -> str:
    """As a console shows it: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _invocation(event: Document) -> Invocation:
    return Invocation(
        at=(event["timestamp"] + event["wall_ms"]) / 1000,
        namespace=event["namespace"],
        script=event["script"],
        status=STATUSES.get(event["outcome"], "internalError"),
        subrequests=event["subrequests"],
        cpu_us=0,  # workerd does not tell
        wall_us=int(event["wall_ms"] * 1000),
    )
