"""Account Workers by the classic API: a script is uploaded whole, and live at once."""

from typing import Any

from pydantic import Field

from local_cloud.call import Answer, Call
from local_cloud.cloudflare import code
from local_cloud.cloudflare.account_workers import (
    add_version,
    deploy,
    deployed_version,
    new_worker,
    put_worker,
    remove_worker,
    worker_named,
)
from local_cloud.cloudflare.bindings import IN_THE_ACCOUNT
from local_cloud.cloudflare.metadata import Metadata, NoConsumers, Traits
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="Workers Scripts")

SCRIPTS = "/accounts/{account}/workers/scripts"
SCRIPT = f"{SCRIPTS}/{{script}}"
SERVICE = "/accounts/{account}/workers/services/{script}"
"""A Worker under its older name: undocumented, but clients refresh, replace and delete a script by it."""


class ScriptSettings(Traits):
    tail_consumers: NoConsumers = Field(default_factory=list)


@routes.on("GET", SCRIPTS)
def list_scripts(call: Call) -> list[dict[str, Any]]:
    """Every Worker that has been deployed."""
    workers = call.store.values("workers", "")
    return [_shown(worker, deployed_version(call, worker)) for worker in workers if worker["deployed"]]


@routes.on("PUT", SCRIPT)
def put_script(call: Call) -> dict[str, Any]:
    """Make or replace a Worker: a new version of it, deployed."""
    name = call["script"]
    code.check_name(name)
    metadata, files = code.uploaded(call, Metadata)
    worker = call.store.get("workers", "", name)
    previous = deployed_version(call, worker)["code"] if worker and worker["deployed"] else None
    built = code.build(call, metadata, files, previous, served=IN_THE_ACCOUNT)
    closed = {"enabled": False, "previews_enabled": False}
    traits = metadata.kept()
    worker = put_worker(call, {**worker, **traits} if worker else new_worker(name, traits, closed))
    version = add_version(call, worker, built, metadata.annotations or {})
    deploy(call, worker, [(version["id"], 100)], {})
    return _shown(worker_named(call, name), version)


@routes.on("GET", SCRIPT)
@routes.on("GET", f"{SCRIPT}/content/v2")
def get_content(call: Call) -> Answer:
    return code.content(call, deployed_version(call, worker_named(call, call["script"]))["code"])


@routes.on("DELETE", SCRIPT)
@routes.on("DELETE", SERVICE)
def delete_script(call: Call) -> None:
    remove_worker(call, worker_named(call, call["script"]))


@routes.on("GET", f"{SCRIPT}/settings")
def get_settings(call: Call) -> dict[str, Any]:
    worker = worker_named(call, call["script"])
    return code.settings(deployed_version(call, worker)["code"], worker)


@routes.on("GET", f"{SCRIPT}/script-settings")
def get_script_settings(call: Call) -> dict[str, Any]:
    return _traits(worker_named(call, call["script"]))


@routes.on("PATCH", f"{SCRIPT}/script-settings")
def patch_script_settings(call: Call) -> dict[str, Any]:
    """Change what no version has: it holds for all of them. What is not sent stays."""
    worker, sent = worker_named(call, call["script"]), call.json(ScriptSettings)
    return _traits(put_worker(call, {**worker, **sent.kept(worker)}))


@routes.on("GET", SERVICE)
def get_service(call: Call) -> dict[str, Any]:
    worker = worker_named(call, call["script"])
    dates = {"created_on": worker["created_on"], "modified_on": worker["updated_on"]}
    script = _shown(worker, deployed_version(call, worker))
    environment = {"environment": "production", **dates, "script": script}
    return {"id": worker["name"], **dates, "default_environment": environment}


def _traits(worker: Document) -> dict[str, Any]:
    return {**{name: worker[name] for name in Traits.model_fields}, "tail_consumers": []}


def _shown(worker: Document, version: Document) -> dict[str, Any]:
    return {
        "id": worker["name"],
        "tag": worker["id"],
        "created_on": worker["created_on"],
        "modified_on": version["created_on"],
        "deployment_id": version["id"].replace("-", ""),
        **code.summary(version["code"], worker),
        "last_deployed_from": version["source"],
    }
