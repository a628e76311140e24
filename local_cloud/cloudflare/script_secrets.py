"""The secrets of an account Worker, one by one: each change is a new version, live at once."""

from collections.abc import Sequence
from typing import Any

from local_cloud.call import Call
from local_cloud.cloudflare.account_workers import (
    add_version,
    deploy,
    deployed_version,
    newest_version,
    version_with_id,
    worker_named,
)
from local_cloud.cloudflare.dialect import refusal
from local_cloud.cloudflare.secret_bindings import Secret, secrets, with_secret, without_secret
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="Workers Scripts")

SECRETS = "/accounts/{account}/workers/scripts/{script}/secrets"
TRIGGER = "secret"
"""What made a version that differs from the one before it in a secret alone."""


@routes.on("GET", SECRETS)
def list_secrets(call: Call) -> list[dict[str, Any]]:
    return secrets(deployed_version(call, worker_named(call, call["script"]))["code"]["bindings"])


@routes.on("PUT", SECRETS)
def put_secret(call: Call) -> dict[str, Any]:
    sent = call.json(Secret)
    worker, live = _live(call)
    _deploy_with(call, worker, live, with_secret(live["bindings"], sent, call.cloud.vault))
    return {"name": sent.name, "type": sent.type}


@routes.on("DELETE", f"{SECRETS}/{{secret}}")
def delete_secret(call: Call) -> None:
    worker, live = _live(call)
    _deploy_with(call, worker, live, without_secret(live["bindings"], call["secret"]))


def refuse_changed_secrets(call: Call, worker: Document, identifiers: Sequence[str]) -> None:
    """Refuse to go back to a version with 10220 if secrets were set or deleted since: it would undo that."""
    if not worker["deployed"]:
        return
    live = deployed_version(call, worker)
    changes = [
        version["number"]
        for version in call.store.values("versions", worker["id"])
        if version["annotations"]["workers/triggered_by"] == TRIGGER
    ]
    changed = set()
    for identifier in identifiers:
        version = version_with_id(call, worker, identifier)
        if any(version["number"] < number <= live["number"] for number in changes):
            changed |= {name for name, _ in _texts(call, version) ^ _texts(call, live)}
    if changed:
        raise refusal(
            400,
            10220,
            "A secret has changed since this version was active. If you are sure this is ok, add a ?force=true query "
            f"parameter to allow the rollback. The following secrets have changed: {', '.join(sorted(changed))}",
        )


def _live(call: Call) -> tuple[Document, Document]:
    """A Worker and the code that it runs; refused with 10215 unless that is what was uploaded last and nothing else."""
    worker = worker_named(call, call["script"])
    live, newest = deployed_version(call, worker), newest_version(call, worker)
    if newest != live or len(worker["deployed"]["shares"]) > 1:
        raise refusal(
            400,
            10215,
            "Secret edit failed. You attempted to modify a secret, but the latest version of your Worker isn't "
            "currently deployed.",
        )
    return worker, live["code"]


def _deploy_with(call: Call, worker: Document, code: Document, bindings: list[Document]) -> None:
    version = add_version(call, worker, {**code, "bindings": bindings}, {}, TRIGGER)
    deploy(call, worker, [(version["id"], 100)], {})


def _texts(call: Call, version: Document) -> set[tuple[str, str]]:
    """Name and text of each secret."""
    sealed = (binding for binding in version["code"]["bindings"] if "sealed" in binding)
    return {(binding["name"], call.cloud.vault.open(binding["sealed"])) for binding in sealed}
