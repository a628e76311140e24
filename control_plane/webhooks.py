"""Webhooks: GitHub's of the apps' repositories, and those of the apps' pipelines. Each app has a secret of its own.

A delivery is accepted once it is in the inbox; what it means is worked off later. Whoever can't prove to be the sender
is refused, and learns nothing: not even whether there is such an app.
"""

import asyncio
import hashlib
import hmac
from contextlib import AsyncExitStack
from typing import Annotated, Literal, TypeVar

import sqlalchemy as sa
from fastapi import APIRouter, Header, HTTPException, Request
from prometheus_client import Counter
from pydantic import BaseModel, Field, ValidationError
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.concurrency import run_in_threadpool

from control_plane import github_events
from control_plane.broker.forms import declared_length
from control_plane.inbox import Accepted
from control_plane.notices import Notice, Number
from control_plane.state import GivenPlane, Plane
from control_plane.tables import App

GITHUB_BYTES = 25 * 2**20
"""GitHub sends no more."""

PIPELINE_BYTES = 2**16

BODY_SECONDS = 10
"""After which GitHub gives up too."""

LARGE, LARGE_AT_ONCE = 2**20, 8
"""Bytes of a body that is one of a few at once: nobody has proven anything yet, and memory is everybody's."""

router = APIRouter(tags=["webhooks"])

RECEIVED = Counter(
    "overskill_webhooks", "Webhooks that came, by their sender and what came of it.", ["sender", "result"]
)


Result = Literal["accepted", "duplicate", "ignored"]
Model = TypeVar("Model", bound=BaseModel)


class Receipt(BaseModel):
    """`duplicate`: this delivery came before. `ignored`: nothing is made of events like this."""

    result: Result


class GithubHeaders(BaseModel):
    """What GitHub sends besides the body; the target is the repository whose hook it is."""

    x_github_event: str
    x_github_delivery: Annotated[str, Field(min_length=1, max_length=100)]
    x_github_hook_installation_target_id: Number
    x_hub_signature_256: str = ""


class StandardHeaders(BaseModel):
    """https://www.standardwebhooks.com"""

    webhook_id: Annotated[str, Field(max_length=200)] = ""
    webhook_timestamp: str = ""
    webhook_signature: str = ""


@router.post("/webhooks/github", status_code=202)
async def github(request: Request, plane: GivenPlane, headers: Annotated[GithubHeaders, Header()]) -> Receipt:
    """An event of an app's repository, signed with the app's webhook secret."""
    body = await _body(request, "github", GITHUB_BYTES)
    return await _accept(plane, "github", await run_in_threadpool(_of_github, plane, headers, body))


@router.post("/api/hooks/deploy", status_code=202)
async def pipeline(request: Request, plane: GivenPlane, headers: Annotated[StandardHeaders, Header()]) -> Receipt:
    """How far a deploy is, told by the app's pipeline and signed as standard-webhooks has it, within five minutes."""
    body = await _body(request, "pipeline", PIPELINE_BYTES)
    return await _accept(plane, "pipeline", _of_pipeline(plane, headers, body))


def _of_github(plane: Plane, headers: GithubHeaders, body: bytes) -> Accepted | None:
    """What is to be kept of it, if anything."""
    with plane.database.reading() as session:
        of_repository = App.repository_id == headers.x_github_hook_installation_target_id
        app_id = session.scalar(sa.select(App.id).where(of_repository))
    if app_id is None and headers.x_github_event == "ping":
        # GitHub's first of a new webhook, which Pulumi makes before the app is known here.
        app_id = _valid(github_events.Ping, body, "github").repository.name
    signature = hmac.new(plane.app_secret(app_id or "").encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(f"sha256={signature}".encode(), headers.x_hub_signature_256.encode()) or app_id is None:
        raise _refused(401, "github", "unsigned", "this is not signed with the secret of an app's repository")
    model = github_events.EVENTS.get(headers.x_github_event)
    if model is None:
        return None
    event = _valid(model, body, "github")
    if event.repository.id != headers.x_github_hook_installation_target_id:
        raise _refused(422, "github", "malformed", "this is of another repository than its hook")
    key = f"github:{app_id}:{headers.x_github_delivery}"
    return Accepted(key, f"github.{headers.x_github_event}", app_id, event.model_dump(mode="json"))


def _of_pipeline(plane: Plane, headers: StandardHeaders, body: bytes) -> Accepted:
    notice = _valid(Notice, body, "pipeline")
    try:
        Webhook(plane.app_secret(notice.app).encode()).verify(
            body, {name.replace("_", "-"): value for name, value in headers}, json_parse=False
        )
    except (WebhookVerificationError, ValueError):  # the latter for a signature that is none by its form
        raise _refused(401, "pipeline", "unsigned", "this is not signed with the app's secret, now") from None
    return Accepted(
        f"pipeline:{notice.app}:{headers.webhook_id}", "pipeline", notice.app, notice.model_dump(mode="json")
    )


async def _accept(plane: Plane, sender: str, delivery: Accepted | None) -> Receipt:
    result: Result = "ignored"
    if delivery is not None:
        result = "accepted" if await plane.inbox.accept(delivery) else "duplicate"
    RECEIVED.labels(sender, result).inc()
    return Receipt(result=result)


async def _body(request: Request, sender: str, limit: int) -> bytes:
    """Raises 413 as soon as it is known to be too long, and 408 for one that takes too long to come."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS), AsyncExitStack() as stack:
            if declared_length(request) > limit:
                raise _refused(413, sender, "oversized", f"a body of more than {limit} bytes is not taken")
            async for chunk in request.stream():
                if len(body) <= LARGE < len(body) + len(chunk):
                    await stack.enter_async_context(request.app.state.large_bodies)
                body += chunk
                if len(body) > limit:
                    raise _refused(413, sender, "oversized", f"a body of more than {limit} bytes is not taken")
    except TimeoutError:
        raise _refused(408, sender, "slow", f"the body did not come within {BODY_SECONDS} s") from None
    return bytes(body)


def _valid(model: type[Model], body: bytes, sender: str) -> Model:
    """Raises 422 that says where it is malformed; not with what, which nobody has vouched for."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        told = [f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in error.errors()]
        raise _refused(422, sender, "malformed", "; ".join(told)) from None


def _refused(status: int, sender: str, result: str, detail: str) -> HTTPException:
    RECEIVED.labels(sender, result).inc()
    return HTTPException(status, detail)
