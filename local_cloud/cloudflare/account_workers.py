"""An account Worker, by whichever API it was made: the classic one uploads it whole, the newer one in three steps.

Both describe the same thing. A Worker (collection `workers`, by name) has versions (`versions`, by the Worker's id) and
deployments (`deployments`, likewise). The newest deployment is what the edge runs: one version, or two side by side.
"""

import uuid
from collections.abc import Sequence
from typing import Any

from local_cloud.call import Call
from local_cloud.cloudflare.access import EMAIL
from local_cloud.cloudflare.dialect import invalid, new_id, now, refusal
from local_cloud.store import Document

MAX_VERSIONS = 2
"""Of one deployment."""

Share = tuple[str, int | float]
"""A version's id, and how many percent of the requests it gets."""


def worker_named(call: Call, name: str) -> Document:
    """`{id, name, created_on, updated_on, subdomain, deployed, logpush, observability, tags}`; refused with 10007.

    `deployed` is `{shares: percent by version id, on: a time}`, or None.
    """
    worker = call.store.get("workers", "", name)
    if not worker:
        raise _missing()
    return worker


def worker_with_id(call: Call, identifier: str) -> Document:
    """The Worker with this id, or else with this name; refused with 10007."""
    for worker in call.store.values("workers", ""):
        if identifier in {worker["id"], worker["name"]}:
            return worker
    raise _missing()


def deployed_version(call: Call, worker: Document) -> Document:
    """The version with the largest share of the requests; refused with 10007 as long as there is none."""
    if not worker["deployed"]:
        raise _missing()
    shares = worker["deployed"]["shares"]
    return version_with_id(call, worker, max(shares, key=shares.__getitem__))


def newest_version(call: Call, worker: Document) -> Document | None:
    """The version that was uploaded last, deployed or not."""
    versions = call.store.values("versions", worker["id"])
    return max(versions, key=lambda version: version["number"]) if versions else None


def version_with_id(call: Call, worker: Document, identifier: str) -> Document:
    version = call.store.get("versions", worker["id"], identifier)
    if not version:
        message = "The requested Worker version could not be found, please check the ID being passed and try again."
        raise refusal(404, 100146, message)
    return version


def new_worker(name: str, traits: Document, subdomain: Document) -> Document:
    at = now()
    dates = {"created_on": at, "updated_on": at}
    return {"id": new_id(), "name": name, **dates, "subdomain": subdomain, "deployed": None, **traits}


def put_worker(call: Call, worker: Document) -> Document:
    worker = {**worker, "updated_on": now()}
    call.store.put("workers", "", worker["name"], worker)
    return worker


def add_version(
    call: Call, worker: Document, code: Document, annotations: dict[str, str], trigger: str = "upload"
) -> Document:
    """`{id, number, created_on, source, annotations, code}`; the edge does not run it yet."""
    version = {
        "id": str(uuid.uuid4()),
        "number": call.store.count("versions", worker["id"]) + 1,
        "created_on": now(),
        "source": source(call),
        "annotations": {**annotations, "workers/triggered_by": trigger},
        "code": code,
    }
    call.store.put("versions", worker["id"], version["id"], version)
    return version


def deploy(call: Call, worker: Document, shares: Sequence[Share], annotations: dict[str, str]) -> Document:
    """Have the edge run one or two versions, each with its share of the requests."""
    for identifier, _ in shares:
        version_with_id(call, worker, identifier)
    if problems := _problems(shares):
        raise invalid(*problems)
    deployment = {
        "id": str(uuid.uuid4()),
        "source": source(call),
        "strategy": "percentage",
        "author_email": EMAIL,
        "created_on": now(),
        "annotations": {**annotations, "workers/triggered_by": "deployment"},
        "versions": [{"version_id": identifier, "percentage": percentage} for identifier, percentage in shares],
    }
    call.store.put("deployments", worker["id"], deployment["id"], deployment)
    put_worker(call, {**worker, "deployed": {"shares": dict(shares), "on": deployment["created_on"]}})
    return deployment


def remove_worker(call: Call, worker: Document) -> None:
    """Delete a Worker with its versions and deployments, and the routes and custom domains that lead to it."""
    call.store.delete("workers", "", worker["name"])
    call.store.clear("versions", worker["id"])
    call.store.clear("deployments", worker["id"])
    for zone in call.store.values("zones", ""):
        _remove_all(call, "routes", zone["id"], script=worker["name"])
    _remove_all(call, "domains", "", service=worker["name"])


def source(call: Call) -> str:
    """What makes the call, in Cloudflare's words: wrangler asks before it replaces what something else has uploaded."""
    return "wrangler" if call.headers.get("user-agent", "").startswith("wrangler/") else "api"


def _problems(shares: Sequence[Share]) -> list[str]:
    """Everything that Cloudflare would refuse about a split. Percentages have two decimals at most."""
    problems = []
    if not 1 <= len(shares) <= MAX_VERSIONS:
        problems.append(f"a deployment has 1 to {MAX_VERSIONS} versions, not {len(shares)}")
    if len(dict(shares)) < len(shares):
        problems.append("a deployment has each version only once")
    wrong = [percentage for _, percentage in shares if not 0 <= percentage <= 100 or round(percentage, 2) != percentage]
    problems += [f"percentage {percentage} must be 0 to 100, with two decimals at most" for percentage in wrong]
    total = sum(percentage for _, percentage in shares)
    if not wrong and round(total, 2) != 100:
        problems.append(f"percentages must add up to 100, not {total:g}")
    return problems


def _remove_all(call: Call, collection: str, scope: str, **matching: Any) -> None:
    for key, document in list(call.store.items(collection, scope)):
        if matching.items() <= document.items():
            call.store.delete(collection, scope, key)


def _missing() -> Exception:
    return refusal(404, 10007, "This Worker does not exist on your account.")
