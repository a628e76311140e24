"""What is told of a request that is not as the API describes it: where and why, and not with what it was sent."""

import json

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel


class Problem(BaseModel):
    """`loc` is where it is: `["body", "app_id"]`."""

    type: str
    loc: list[str | int]
    msg: str


class Refusal(BaseModel):
    """What every refused call is told."""

    detail: str | list[str] | list[Problem]


async def told(_: Request, error: RequestValidationError) -> Response:
    """422 with a `Refusal`.

    FastAPI's own answer repeats the input: a password in a form that lacks its name, or what no JSON can have, which
    would be an error of the server.
    """
    detail = [{name: one[name] for name in Problem.model_fields} for one in error.errors()]
    return Response(json.dumps({"detail": detail}), 422, media_type="application/json")
