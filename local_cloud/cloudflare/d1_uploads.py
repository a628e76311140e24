"""Where a file of SQL is put before a D1 database takes it up (`d1_imports.py`)."""

import hashlib

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from local_cloud.cloud import Cloud
from local_cloud.cloudflare.d1_imports import UPLOADS, opened
from local_cloud.service import MAX_BODY_BYTES, body_of
from local_cloud.writes import Writes


def upload_routes(cloud: Cloud, writes: Writes) -> list[Route]:
    """`PUT {UPLOADS}/{ticket}`, open to whoever has a ticket. 200, with the MD5 as ETag; 403: no such ticket, or it is
    too old; 413: too large."""

    async def upload(request: Request) -> Response:
        ticket = opened(cloud, request.path_params["ticket"])
        if not ticket:
            return PlainTextResponse("no such upload, or no longer", 403)
        body = await body_of(request)
        if body is None:
            return PlainTextResponse(f"more than {MAX_BODY_BYTES} bytes", 413)
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()

        def keep() -> None:
            kept = {"blob": cloud.store.put_blob(body), "etag": etag}
            cloud.store.put("d1_imports", ticket["database"], ticket["filename"], kept)

        await writes.run(keep)
        return Response(headers={"etag": f'"{etag}"'})

    return [Route(f"{UPLOADS}/{{ticket:path}}", upload, methods=["PUT"])]
