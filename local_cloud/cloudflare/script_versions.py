"""Versions of an account Worker by the classic API, where one is uploaded as a form; `workers.py` deploys them."""

from typing import Any

from local_cloud.call import Call
from local_cloud.cloudflare import code
from local_cloud.cloudflare.access import EMAIL, user_id
from local_cloud.cloudflare.account_workers import (
    add_version,
    newest_version,
    version_with_id,
    worker_named,
)
from local_cloud.cloudflare.bindings import IN_THE_ACCOUNT, shown
from local_cloud.cloudflare.dialect import Page, page
from local_cloud.cloudflare.metadata import Metadata
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="Workers Scripts")

VERSIONS = "/accounts/{account}/workers/scripts/{script}/versions"


@routes.on("POST", VERSIONS)
def create_version(call: Call) -> dict[str, Any]:
    """Upload a version; it runs once it is deployed. Bindings to keep are those of the version that was newest so far.

    Logpush, observability and tags are the Worker's: of a version's form, they are not taken.
    """
    worker = worker_named(call, call["script"])
    metadata, files = code.uploaded(call, Metadata)
    newest = newest_version(call, worker)
    built = code.build(call, metadata, files, newest and newest["code"], served=IN_THE_ACCOUNT)
    version = add_version(call, worker, built, metadata.annotations or {}, "version_upload")
    return {**_shown_whole(call, version), "startup_time_ms": code.STARTUP_TIME_MS}


@routes.on("GET", VERSIONS)
def list_versions(call: Call) -> Page | dict[str, Any]:
    """The newest first; `deployable=true` lists them all at once."""
    query = call.filters("deployable", "page", "per_page")
    versions = call.store.values("versions", worker_named(call, call["script"])["id"])
    newest_first = sorted((_shown(call, version) for version in versions), key=lambda one: -one["number"])
    if query.get("deployable") == "true":
        return {"items": newest_first}
    part = page(call, newest_first)
    return Page(result={"items": part.result}, info=part.info)


@routes.on("GET", f"{VERSIONS}/{{version}}")
def get_version(call: Call) -> dict[str, Any]:
    return _shown_whole(call, version_with_id(call, worker_named(call, call["script"]), call["version"]))


def _shown(call: Call, version: Document) -> dict[str, Any]:
    return {
        "id": version["id"],
        "number": version["number"],
        "metadata": {
            "created_on": version["created_on"],
            "modified_on": version["created_on"],
            "source": version["source"],
            "author_id": user_id(call),
            "author_email": EMAIL,
            "has_preview": False,
        },
        "annotations": version["annotations"],
    }


def _shown_whole(call: Call, version: Document) -> dict[str, Any]:
    built = version["code"]
    runtime = ("compatibility_date", "compatibility_flags", "usage_model", "limits")
    return {
        **_shown(call, version),
        "resources": {
            "bindings": shown(built["bindings"]),
            "script": {
                "etag": code.etag(built),
                "handlers": code.HANDLERS,
                "last_deployed_from": version["source"],
            },
            "script_runtime": {name: built[name] for name in runtime if name in built},
        },
    }
