"""Dispatch namespaces. Scripts are kept by a namespace's id, so renaming it is one write."""

import re
import uuid
from typing import Annotated, Any

from pydantic import AfterValidator

from local_cloud.call import Call, Strict
from local_cloud.cloudflare.access import user_id
from local_cloud.cloudflare.dialect import Page, now, page, refusal
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="Workers Scripts")


def _check_name(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?", name):
        raise ValueError("must be 1 to 63 of a-z, 0-9 and inner - and _")
    return name


Name = Annotated[str, AfterValidator(_check_name)]


class NewNamespace(Strict):
    name: Name


class ChangedNamespace(Strict):
    name: Name
    trusted_workers: bool | None = None


@routes.on("POST", "/accounts/{account}/workers/dispatch/namespaces")
def create_namespace(call: Call) -> dict[str, Any]:
    name = call.json(NewNamespace).name
    _refuse_taken(call, name)
    at = now()
    namespace = {
        "namespace_id": str(uuid.uuid4()),
        "namespace_name": name,
        "created_on": at,
        "created_by": user_id(call),
        "modified_on": at,
        "modified_by": user_id(call),
        "trusted_workers": False,
    }
    call.store.put("namespaces", "", name, namespace)
    return _shown(call, namespace)


@routes.on("GET", "/accounts/{account}/workers/dispatch/namespaces")
def list_namespaces(call: Call) -> Page:
    return page(call, [_shown(call, namespace) for namespace in call.store.values("namespaces", "")])


@routes.on("GET", "/accounts/{account}/workers/dispatch/namespaces/{namespace}")
def get_namespace(call: Call) -> dict[str, Any]:
    return _shown(call, namespace_of(call))


@routes.on("PUT", "/accounts/{account}/workers/dispatch/namespaces/{namespace}")
def change_namespace(call: Call) -> dict[str, Any]:
    """Rename a namespace, or change whether its scripts are trusted."""
    namespace, wanted = namespace_of(call), call.json(ChangedNamespace)
    if wanted.name != namespace["namespace_name"]:
        _refuse_taken(call, wanted.name)
        call.store.delete("namespaces", "", namespace["namespace_name"])
    trusted = namespace["trusted_workers"] if wanted.trusted_workers is None else wanted.trusted_workers
    changes = {"modified_on": now(), "modified_by": user_id(call), "trusted_workers": trusted}
    namespace = {**namespace, "namespace_name": wanted.name, **changes}
    call.store.put("namespaces", "", wanted.name, namespace)
    return _shown(call, namespace)


@routes.on("DELETE", "/accounts/{account}/workers/dispatch/namespaces/{namespace}")
def delete_namespace(call: Call) -> None:
    """Every script in it goes with it."""
    namespace = namespace_of(call)
    for collection in ("namespace_scripts", "assets", "asset_sessions"):
        call.store.clear(collection, namespace["namespace_id"])
    call.store.delete("namespaces", "", namespace["namespace_name"])


def namespace_of(call: Call) -> Document:
    """The namespace in the call's path. Refused with 100119 if there is none."""
    namespace = call.store.get("namespaces", "", call["namespace"])
    if not namespace:
        raise refusal(404, 100119, "workers.api.error.dispatch_namespace_not_found")
    return namespace


def _refuse_taken(call: Call, name: str) -> None:
    if call.store.get("namespaces", "", name):
        raise refusal(409, 100118, f"workers.api.error.dispatch_namespace_already_exists: {name}")


def _shown(call: Call, namespace: Document) -> dict[str, Any]:
    return {**namespace, "script_count": call.store.count("namespace_scripts", namespace["namespace_id"])}
