"""The deliveries of a webhook: listed, shown, sent again; and those that are asked for, pings and tests."""

import json
import re
from typing import Any
from urllib.parse import urlencode

from local_cloud.call import Answer, Call
from local_cloud.github import pushes
from local_cloud.github.access import caller
from local_cloud.github.dialect import MAX_PER_PAGE, not_found
from local_cloud.github.events import Event
from local_cloud.github.outbox import post, wants
from local_cloud.github.repository import repository_of
from local_cloud.github.webhooks import HOOKS, hook_of, ping
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="repository_hooks")

HOOK = f"{HOOKS}/{{hook}}"
STATUS_CODES = {"success": range(200, 400), "failure": range(400, 600)}


@routes.on("GET", f"{HOOK}/deliveries")
def list_deliveries(call: Call) -> Answer:
    """What has ended, the newest first. `cursor` names the first delivery of a page."""
    hook, sent = hook_of(call, repository_of(call)), call.filters("cursor", "per_page", "status")
    size = min(call.number("per_page", 30, 10**9), MAX_PER_PAGE)
    cursor = re.fullmatch(r"v1_([0-9]{1,15})", sent["cursor"]) if "cursor" in sent else None
    if "cursor" in sent and not cursor:
        raise call.invalid("cursor", "is not one that a Link header has named")
    if sent.get("status", "success") not in STATUS_CODES:
        raise call.invalid("status", f"must be one of {', '.join(STATUS_CODES)}")
    found = [
        delivery
        for delivery in reversed(call.store.values("deliveries", str(hook["id"])))
        if "status" not in sent or delivery["status_code"] in STATUS_CODES[sent["status"]]
    ]
    start = sum(delivery["id"] > int(cursor[1]) for delivery in found) if cursor else 0
    links = {"prev": max(0, start - size)} if start else {}
    links |= {"next": start + size} if start + size < len(found) else {}
    url = f"{call.cloud.settings.api_url}/api/v3{call.path}"
    cursors = {relation: {**sent, "cursor": f"v1_{found[index]['id']}"} for relation, index in links.items()}
    link = ", ".join(f'<{url}?{urlencode(query)}>; rel="{relation}"' for relation, query in cursors.items())
    shown = [_shown(delivery) for delivery in found[start : start + size]]
    return Answer(body=shown, headers={"Link": link} if link else {})


@routes.on("GET", f"{HOOK}/deliveries/{{delivery}}")
def get_delivery(call: Call) -> dict[str, Any]:
    delivery = _delivery(call, hook_of(call, repository_of(call)))
    return {**_shown(delivery), "url": delivery["url"], **_exchange(call, delivery)}


@routes.on("POST", f"{HOOK}/deliveries/{{delivery}}/attempts")
def redeliver(call: Call) -> Answer:
    """The same payload under the same guid, to where the hook points now and signed with the secret that it has now."""
    repository = repository_of(call)
    hook = hook_of(call, repository)
    delivery = _delivery(call, hook)
    payload = _exchange(call, delivery)["request"]["payload"]
    event = Event(name=delivery["event"], payload=payload, guid=delivery["guid"])
    post(call.cloud, repository, hook, event, again=True)
    return Answer(status=202, body={})


@routes.on("POST", f"{HOOK}/pings", permission="repository_hooks:read")
def ping_hook(call: Call) -> None:
    repository = repository_of(call)
    ping(call, repository, hook_of(call, repository))


@routes.on("POST", f"{HOOK}/test", permission="repository_hooks:read")
@routes.on("POST", f"{HOOK}/tests", permission="repository_hooks:read")
def send_test(call: Call) -> None:
    """A push event, if the hook wants any and there is a commit to tell of."""
    repository = repository_of(call)
    hook = hook_of(call, repository)
    change = pushes.latest(call.cloud, repository)
    if change and wants(hook, "push"):
        post(call.cloud, repository, hook, pushes.event(call.cloud, repository, change, {}, caller(call).login))


def _delivery(call: Call, hook: Document) -> Document:
    key = call["delivery"]
    delivery = call.store.get("deliveries", str(hook["id"]), f"{int(key):012}") if key.isdecimal() else None
    if not delivery:
        raise not_found()
    return delivery


def _exchange(call: Call, delivery: Document) -> Document:
    return json.loads(call.store.blob(delivery["blob"]))


def _shown(delivery: Document) -> dict[str, Any]:
    shown = {name: value for name, value in delivery.items() if name not in {"blob", "url"}}
    return {**shown, "installation_id": None, "throttled_at": None}
