"""Account Workers by the newer API: a Worker, its versions, and its deployments are made one by one."""

import base64
import binascii
from typing import Any, Literal

from pydantic import Field

from local_cloud.call import Call, Strict
from local_cloud.cloudflare import code
from local_cloud.cloudflare.account_workers import (
    add_version,
    deploy,
    deployed_version,
    new_worker,
    put_worker,
    remove_worker,
    version_with_id,
    worker_named,
    worker_with_id,
)
from local_cloud.cloudflare.bindings import IN_THE_ACCOUNT, shown
from local_cloud.cloudflare.dialect import Page, invalid, page, refusal
from local_cloud.cloudflare.metadata import CodeUpdateStrategy, NoConsumers, Program, Traits
from local_cloud.cloudflare.modules import ModuleFile
from local_cloud.cloudflare.references import References
from local_cloud.cloudflare.script_secrets import refuse_changed_secrets
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="Workers Scripts")

WORKERS = "/accounts/{account}/workers/workers"
WORKER = f"{WORKERS}/{{worker}}"
DEPLOYMENTS = "/accounts/{account}/workers/scripts/{script}/deployments"


class Subdomain(Strict):
    enabled: bool = False
    previews_enabled: bool = False


class WorkerBody(Traits):
    name: str
    subdomain: Subdomain = Subdomain()
    tail_consumers: NoConsumers = Field(default_factory=list)


class Module(Strict):
    name: str
    content_type: str
    content_base64: str


class VersionBody(Program):
    modules: list[Module]


class Share(Strict):
    version_id: str
    percentage: int | float


class DeploymentBody(Strict):
    strategy: Literal["percentage"]
    versions: list[Share]
    annotations: dict[str, str] = Field(default_factory=dict)
    code_update_strategy: CodeUpdateStrategy | None = None


@routes.on("POST", WORKERS)
def create_worker(call: Call) -> dict[str, Any]:
    sent = call.json(WorkerBody)
    code.check_name(sent.name)
    if call.store.get("workers", "", sent.name):
        raise refusal(409, 10040, f"workers.api.error.script_already_exists: {sent.name}")
    worker = put_worker(call, new_worker(sent.name, sent.kept(), sent.subdomain.model_dump()))
    return _worker_shown(worker, References(call))


@routes.on("GET", WORKERS)
def list_workers(call: Call) -> Page:
    references = References(call)
    return page(call, [_worker_shown(worker, references) for worker in call.store.values("workers", "")])


@routes.on("GET", WORKER)
def get_worker(call: Call) -> dict[str, Any]:
    return _worker_shown(worker_with_id(call, call["worker"]), References(call))


@routes.on("PUT", WORKER)
def put_worker_body(call: Call) -> dict[str, Any]:
    """Replace everything about a Worker but its name, its versions and its deployments."""
    worker, sent = worker_with_id(call, call["worker"]), call.json(WorkerBody)
    if sent.name != worker["name"]:
        raise invalid(f"the local cloud cannot rename Worker {worker['name']!r} to {sent.name!r}")
    changed = put_worker(call, {**worker, **sent.kept(), "subdomain": sent.subdomain.model_dump()})
    return _worker_shown(changed, References(call))


@routes.on("DELETE", WORKER)
def delete_worker(call: Call) -> None:
    remove_worker(call, worker_with_id(call, call["worker"]))


@routes.on("POST", f"{WORKER}/versions")
def create_version(call: Call) -> dict[str, Any]:
    """Upload a version; it runs once it is deployed."""
    worker, sent = worker_with_id(call, call["worker"]), call.json(VersionBody)
    previous = deployed_version(call, worker)["code"] if worker["deployed"] else None
    built = code.build(call, sent, _files(sent.modules), previous, served=IN_THE_ACCOUNT)
    return _version_shown(call, add_version(call, worker, built, sent.annotations or {}))


@routes.on("GET", f"{WORKER}/versions")
def list_versions(call: Call) -> Page:
    """The newest first."""
    versions = call.store.values("versions", worker_with_id(call, call["worker"])["id"])
    newest_first = sorted(versions, key=lambda version: -version["number"])
    return page(call, [_version_shown(call, version) for version in newest_first])


@routes.on("GET", f"{WORKER}/versions/{{version}}")
def get_version(call: Call) -> dict[str, Any]:
    """`?include=modules` adds the modules."""
    call.filters("include")
    return _version_shown(call, version_with_id(call, worker_with_id(call, call["worker"]), call["version"]))


@routes.on("POST", DEPLOYMENTS)
def create_deployment(call: Call) -> dict[str, Any]:
    """`?force=true` deploys a version although secrets have changed since."""
    sent, worker = call.json(DeploymentBody), worker_named(call, call["script"])
    if call.query.get("force") != "true":
        refuse_changed_secrets(call, worker, [share.version_id for share in sent.versions])
    shares = [(share.version_id, share.percentage) for share in sent.versions]
    return deploy(call, worker, shares, sent.annotations)


@routes.on("GET", DEPLOYMENTS)
def list_deployments(call: Call) -> dict[str, Any]:
    """The newest, which is the active one, first."""
    deployments = call.store.values("deployments", worker_named(call, call["script"])["id"])
    return {"deployments": sorted(deployments, key=lambda one: one["created_on"], reverse=True)}


@routes.on("GET", f"{DEPLOYMENTS}/{{deployment}}")
def get_deployment(call: Call) -> dict[str, Any]:
    worker = worker_named(call, call["script"])
    deployment = call.store.get("deployments", worker["id"], call["deployment"])
    if not deployment:
        raise refusal(404, 10005, f"workers.api.error.not_found: no deployment {call['deployment']}")
    return deployment


def _files(modules: list[Module]) -> list[ModuleFile]:
    try:
        return [
            ModuleFile(
                name=module.name,
                content_type=module.content_type,
                body=base64.b64decode(module.content_base64, validate=True),
            )
            for module in modules
        ]
    except binascii.Error as error:
        raise invalid(f"modules: content_base64 is not base64: {error}") from None


def _worker_shown(worker: Document, references: References) -> dict[str, Any]:
    deployed_on = worker["deployed"]["on"] if worker["deployed"] else None
    shown_worker = {key: value for key, value in worker.items() if key != "deployed"}
    observability = worker["observability"] or {"enabled": False, "head_sampling_rate": 1}
    return {
        **shown_worker,
        "observability": observability,
        "deployed_on": deployed_on,
        "tail_consumers": [],
        "references": references.of(worker["name"]),
    }


def _version_shown(call: Call, version: Document) -> dict[str, Any]:
    built = version["code"]
    runtime = {key: value for key, value in built.items() if key not in {"bindings", "modules"}}
    shown_version = {
        "id": version["id"],
        "number": version["number"],
        "created_on": version["created_on"],
        "source": version["source"],
        "startup_time_ms": code.STARTUP_TIME_MS,
        "urls": [],
        "annotations": version["annotations"],
        **runtime,
        "bindings": shown(built["bindings"]),
    }
    if call.query.get("include") != "modules":
        return shown_version
    return {**shown_version, "modules": [_module_shown(call, module) for module in built["modules"]]}


def _module_shown(call: Call, module: Document) -> dict[str, str]:
    body = base64.b64encode(call.store.blob(module["blob"])).decode()
    return {"name": module["name"], "content_type": module["content_type"], "content_base64": body}
