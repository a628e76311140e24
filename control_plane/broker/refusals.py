"""What the broker answers that is no answer of Cloudflare's, in Cloudflare's envelope, so that wrangler shows it."""

from typing import Any

from fastapi.responses import JSONResponse

WORKER_NOT_FOUND = 10007
"""Cloudflare's code for an account Worker that is not there."""

CLOSE = {"Connection": "close"}


class Refused(Exception):
    """A call that is not made. `status` is HTTP's, and the code in the envelope unless Cloudflare has one for it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def refusal(status: int, message: str, code: int | None = None) -> JSONResponse:
    """The connection ends with it: what is still to come of a body that is refused is not read."""
    errors = [{"code": code or status, "message": message}]
    return JSONResponse({"success": False, "errors": errors, "messages": [], "result": None}, status, CLOSE)


def result(content: Any, status: int = 200) -> JSONResponse:
    return JSONResponse({"success": True, "errors": [], "messages": [], "result": content}, status)
