"""Data points that Workers write to Analytics Engine."""

import time
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_cloud.store import Document, Store
from local_cloud.writes import Writes

DOUBLES = 20
"""Of a data point; those that are not given are 0."""

_NANOSECONDS = 1_000_000
"""Of a millisecond."""


def routes(store: Store, writes: Writes) -> list[Route]:
    """`POST /_edge/data-points` keeps a list of data points, in one transaction."""

    async def data_points(request: Request) -> Response:
        await writes.run(partial(keep_data_points, store, await request.json()))
        return Response(status_code=204)

    return [Route("/_edge/data-points", data_points, methods=["POST"])]


def keep_data_points(store: Store, sent: list[Document]) -> None:
    """Keep points as `dataset.js` sends them: `{dataset, timestamp, index, blobs, doubles}`, in milliseconds.

    They become `{timestamp, index1, blobs, doubles}`, in nanoseconds, in `data_points` of their dataset, in the order
    of their timestamps, of one millisecond in that of their arrival. Empty blobs at the end are none.
    """
    arrival = time.time_ns()
    for number, point in enumerate(sent):
        timestamp, blobs, doubles = point["timestamp"] * _NANOSECONDS, list(point["blobs"]), point["doubles"]
        while blobs and not blobs[-1]:
            blobs.pop()
        doubles = [*doubles, *[0] * (DOUBLES - len(doubles))]
        kept = {"timestamp": timestamp, "index1": point["index"], "blobs": blobs, "doubles": doubles}
        store.put("data_points", point["dataset"], f"{timestamp:020}-{arrival}-{number:06}", kept)
    for dataset in {point["dataset"] for point in sent}:
        store.put("datasets", "", dataset, {"name": dataset})
