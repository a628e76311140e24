"""Data points that Workers write to Analytics Engine."""

import uuid
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_cloud.edge.resources import RESOURCES
from local_cloud.store import Document, Store
from local_cloud.writes import Writes

NUMBERS = range(1, 21)
"""Of the blobs and the doubles of a data point."""


def routes(store: Store, writes: Writes) -> list[Route]:
    """`POST /` keeps a data point."""

    async def data_point(request: Request) -> Response:
        await writes.run(partial(keep_data_point, store, await request.json()))
        return Response()

    return [Route("/", data_point, methods=["POST"])]


def keep_data_point(store: Store, sent: Document) -> None:
    """Keep what workerd sends of a data point: `{timestamp, index1, blobs, doubles}`, in `data_points` of its dataset.

    `timestamp` is in nanoseconds. Texts arrive as arrays of bytes; empty blobs at the end are none.
    """

    def text(name: str) -> str:
        return bytes(sent.get(name, ())).decode(errors="replace")

    dataset = text("dataset").removeprefix(RESOURCES["analytics_engine"].prefix)
    blobs = [text(f"blob{number}") for number in NUMBERS]
    while blobs and not blobs[-1]:
        blobs.pop()
    timestamp = int(sent["timestamp"])
    doubles = [sent[f"double{number}"] for number in NUMBERS]
    point = {"timestamp": timestamp, "index1": text("index1"), "blobs": blobs, "doubles": doubles}
    store.put("data_points", dataset, f"{timestamp:020}-{uuid.uuid4()}", point)
    store.put("datasets", "", dataset, {"name": dataset})
