"""Webhook deliveries: kept before they are sent, listed once they have ended.

What is under way is a document of `outbox`, by id: `{id, guid, event, action, redelivery, repository_id, hook, url,
insecure_ssl, headers, blob}`, where the blob is the exact body. What has ended is one of `deliveries`, by hook and id:
`{id, guid, event, action, redelivery, repository_id, url, delivered_at, duration, status, status_code, blob}`, where
the blob is JSON: `{request: {headers, payload}, response: {headers, payload}}`.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

from local_cloud.actions import triggers
from local_cloud.cloud import Cloud
from local_cloud.github.dialect import now
from local_cloud.github.events import Event
from local_cloud.store import Document

MAX_KEPT = 300
"""Of the deliveries of a hook."""

CONTENT_TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a delivery has ended. `status` is what a list of deliveries shows; `hook` is the hook's `last_response`."""

    status_code: int
    status: str
    hook: Document
    seconds: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None


def failed(status_code: int, status: str, kind: str = "failed") -> Outcome:
    """Without an answer."""
    hook = {"code": status_code, "status": kind, "message": status}
    return Outcome(status_code=status_code, status=status, hook=hook)


INTERRUPTED = failed(502, "interrupted: the local cloud ended, or was set back, before there was an answer")


def announce(cloud: Cloud, repository: Document, event: Event) -> None:
    """Tell every active hook that wants the event, and begin the runs of the workflows that do."""
    for hook in cloud.store.values("webhooks", str(repository["id"])):
        if hook["active"] and wants(hook, event.name):
            post(cloud, repository, hook, event)
    for following in triggers.begin(cloud, repository, event):
        announce(cloud, repository, following)


def wants(hook: Document, event: str) -> bool:
    return not {event, "*"}.isdisjoint(hook["events"])


def post(cloud: Cloud, repository: Document, hook: Document, event: Event, *, again: bool = False) -> None:
    """Put a delivery to one hook into the outbox."""
    config, text = hook["config"], json.dumps(event.payload)
    body = (text if config["content_type"] == "json" else urlencode({"payload": text})).encode()
    headers = {
        "Accept": "*/*",
        "Content-Type": CONTENT_TYPES[config["content_type"]],
        "User-Agent": "GitHub-Hookshot/local",
        "X-GitHub-Delivery": event.guid,
        "X-GitHub-Event": event.name,
        "X-GitHub-Hook-ID": str(hook["id"]),
        "X-GitHub-Hook-Installation-Target-ID": str(repository["id"]),
        "X-GitHub-Hook-Installation-Target-Type": "repository",
    }
    if "sealed" in config:
        secret = cloud.vault.open(config["sealed"]).encode()
        headers["X-Hub-Signature"] = "sha1=" + hmac.new(secret, body, hashlib.sha1).hexdigest()
        headers["X-Hub-Signature-256"] = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    delivery = {
        "id": cloud.store.next_number(),
        "guid": event.guid,
        "event": event.name,
        "action": event.payload.get("action"),
        "redelivery": again,
        "repository_id": repository["id"],
        "hook": hook["id"],
        "url": config["url"],
        "insecure_ssl": config["insecure_ssl"] == "1",
        "headers": headers,
        "blob": cloud.store.put_blob(body),
    }
    cloud.store.put("outbox", "", str(delivery["id"]), delivery)


def end(cloud: Cloud, delivery: Document, outcome: Outcome) -> None:
    """Write down how a delivery of the outbox has ended, unless it is in there no more, or its hook is gone."""
    store, key, scope = cloud.store, str(delivery["id"]), str(delivery["hook"])
    kept = store.get("outbox", "", key)
    if not kept or kept["guid"] != delivery["guid"]:
        return
    store.delete("outbox", "", key)
    hook = store.get("webhooks", str(delivery["repository_id"]), scope)
    if not hook:
        return
    exchange = {
        "request": {"headers": delivery["headers"], "payload": _payload(delivery, store.blob(delivery["blob"]))},
        "response": {"headers": dict(outcome.headers), "payload": outcome.body},
    }
    ended = {
        **{name: value for name, value in delivery.items() if name not in {"headers", "hook", "insecure_ssl"}},
        "delivered_at": now(),
        "duration": round(outcome.seconds, 2),
        "status": outcome.status,
        "status_code": outcome.status_code,
        "blob": store.put_blob(json.dumps(exchange).encode()),
    }
    store.put("deliveries", scope, f"{delivery['id']:012}", ended)
    store.trim("deliveries", scope, MAX_KEPT)
    store.put("webhooks", str(delivery["repository_id"]), scope, {**hook, "last_response": outcome.hook})


def end_interrupted(cloud: Cloud) -> None:
    """What is in the outbox before anything is sent was under way when the process, or a snapshot, was cut off."""
    with cloud.store.transaction():
        for delivery in cloud.store.values("outbox", ""):
            end(cloud, delivery, INTERRUPTED)


def _payload(delivery: Document, body: bytes) -> Any:
    text = body.decode()
    is_form = delivery["headers"]["Content-Type"] == CONTENT_TYPES["form"]
    return json.loads(parse_qs(text)["payload"][0] if is_form else text)
