"""`repository_dispatch`: an event of the caller's own, which workflows and webhooks may wait for."""

import json
from typing import Annotated, Any

from pydantic import Field

from local_cloud.call import Call, Strict
from local_cloud.github.access import caller
from local_cloud.github.dialect import refusal
from local_cloud.github.events import Event, setting
from local_cloud.github.outbox import announce
from local_cloud.github.repository import writable_repository_of
from local_cloud.routing import RouteTable

routes = RouteTable(permission="contents")

MAX_PAYLOAD_BYTES = 64 * 1024


class RepositoryDispatch(Strict):
    event_type: Annotated[str, Field(min_length=1, max_length=100)]
    client_payload: dict[str, Any] = Field(default_factory=dict, max_length=10)


@routes.on("POST", "/repos/{owner}/{repo}/dispatches")
def dispatch(call: Call) -> None:
    repository, sent = writable_repository_of(call), call.json(RepositoryDispatch)
    if len(json.dumps(sent.client_payload)) >= MAX_PAYLOAD_BYTES:
        raise refusal(422, "client_payload is too large.")
    payload = {
        "action": sent.event_type,
        "branch": repository["default_branch"],
        "client_payload": sent.client_payload,
        **setting(call.cloud, repository, caller(call).login),
    }
    announce(call.cloud, repository, Event(name="repository_dispatch", payload=payload))
