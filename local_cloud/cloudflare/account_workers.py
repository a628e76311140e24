"""An account Worker, by whichever API it was made: the classic one uploads it whole, the newer one in three steps.

Both describe the same thing. A Worker (collection `workers`, by name) has versions (`versions`, by the Worker's id) and
deployments (`deployments`, likewise). One version at a time is deployed, and that is what the edge runs.
"""

import uuid
from typing import Any

from local_cloud.call import Call
from local_cloud.cloudflare.dialect import invalid, new_id, now, refusal
from local_cloud.store import Document


def worker_named(call: Call, name: str) -> Document:
    """`{id, name, created_on, updated_on, subdomain, deployed, logpush, observability, tags}`; refused with 10007."""
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
    """The version that the edge runs; refused with 10007 as long as there is none."""
    if not worker["deployed"]:
        raise _missing()
    return version_with_id(call, worker, worker["deployed"]["version"])


def version_with_id(call: Call, worker: Document, identifier: str) -> Document:
    version = call.store.get("versions", worker["id"], identifier)
    if not version:
        raise refusal(404, 10005, f"workers.api.error.not_found: Worker {worker['name']} has no version {identifier}")
    return version


def new_worker(name: str, traits: Document, subdomain: Document) -> Document:
    at = now()
    dates = {"created_on": at, "updated_on": at}
    return {"id": new_id(), "name": name, **dates, "subdomain": subdomain, "deployed": None, **traits}


def put_worker(call: Call, worker: Document) -> Document:
    worker = {**worker, "updated_on": now()}
    call.store.put("workers", "", worker["name"], worker)
    return worker


def add_version(call: Call, worker: Document, code: Document, annotations: dict[str, str]) -> Document:
    """`{id, number, created_on, annotations, code}`; the edge does not run it yet."""
    version = {
        "id": str(uuid.uuid4()),
        "number": call.store.count("versions", worker["id"]) + 1,
        "created_on": now(),
        "annotations": {**annotations, "workers/triggered_by": "upload"},
        "code": code,
    }
    call.store.put("versions", worker["id"], version["id"], version)
    return version


def deploy(call: Call, worker: Document, shares: dict[str, int | float], annotations: dict[str, str]) -> Document:
    """Have the edge run a version. `shares` is percent by version id; all of it must be one version's."""
    for identifier in shares:
        version_with_id(call, worker, identifier)
    if list(shares.values()) != [100]:
        raise invalid("the local cloud runs one version at a time: deploy one with percentage 100")
    (version,) = shares
    deployment = {
        "id": str(uuid.uuid4()),
        "source": "api",
        "strategy": "percentage",
        "author_email": "local-cloud@localhost",
        "created_on": now(),
        "annotations": {**annotations, "workers/triggered_by": "deployment"},
        "versions": [{"version_id": version, "percentage": 100}],
    }
    call.store.put("deployments", worker["id"], deployment["id"], deployment)
    put_worker(call, {**worker, "deployed": {"version": version, "on": deployment["created_on"]}})
    return deployment


def remove_worker(call: Call, worker: Document) -> None:
    """Delete a Worker with its versions and deployments, and the routes and custom domains that lead to it."""
    call.store.delete("workers", "", worker["name"])
    call.store.clear("versions", worker["id"])
    call.store.clear("deployments", worker["id"])
    for zone in call.store.values("zones", ""):
        _remove_all(call, "routes", zone["id"], script=worker["name"])
    _remove_all(call, "domains", "", service=worker["name"])


def _remove_all(call: Call, collection: str, scope: str, **matching: Any) -> None:
    for key, document in list(call.store.items(collection, scope)):
        if matching.items() <= document.items():
            call.store.delete(collection, scope, key)


def _missing() -> Exception:
    return refusal(404, 10007, "This Worker does not exist on your account.")
