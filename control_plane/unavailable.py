"""What is told of a call whose work could not be kept: 503, and what to look at."""

import errno
import logging

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from obstore.exceptions import BaseError

from control_plane.broker.calls import ROOT
from control_plane.broker.refusals import refusal

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
SECONDS = 30

log = logging.getLogger(__name__)


def install(app: FastAPI) -> None:
    app.add_exception_handler(sa.exc.OperationalError, _not_kept)
    app.add_exception_handler(BaseError, _not_kept)
    app.add_exception_handler(OSError, _no_space)


async def _no_space(request: Request, error: Exception) -> Response:
    if not isinstance(error, OSError) or error.errno not in FULL:
        raise error
    return await _not_kept(request, error)


async def _not_kept(request: Request, error: Exception) -> Response:
    log.error("%s %s could not be kept", request.method, request.scope["route"].path, exc_info=error)
    told = (
        "nothing can be kept at the moment: the database or the bundles' store does not answer, or a disk is full; the "
        f"control plane's log says which. Nothing of this call has happened; make it again in {SECONDS} s"
    )
    answer = refusal(503, told) if request.url.path.startswith(f"{ROOT}/") else JSONResponse({"detail": told}, 503)
    answer.headers["Retry-After"] = str(SECONDS)
    return answer
