"""Where the edge's namespaces get their scripts from: one HTTP call, private to the edge."""

import base64
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from local_cloud.edge import clients
from local_cloud.edge.bundles import VALUE_BINDINGS, UnrunnableError, module_kind, problems_of
from local_cloud.edge.model import Assets, Bundle, Module, View
from local_cloud.edge.resources import RESOURCES

BINDING_TYPES = frozenset({*VALUE_BINDINGS, *clients.MODULES, "assets", "service"})
"""What the edge provides to a namespace script."""

_NO_SCRIPT = "Worker not found."
_NO_NAMESPACE = "Dispatch namespace not found."
"""For the first one there are sources: ADR 3 lists what is assumed."""

Endpoint = Callable[[Request], Awaitable[Response]]


def edge_only(token: str, endpoint: Endpoint) -> Endpoint:
    """`endpoint`, open to bearers of `token` alone; 401 for everybody else."""
    authorization = f"Bearer {token}".encode()

    @wraps(endpoint)
    async def guarded(request: Request) -> Response:
        presented = request.headers.get("authorization", "").encode("latin-1")
        if not secrets.compare_digest(presented, authorization):
            return PlainTextResponse("only the edge of this local cloud asks here", 401)
        return await endpoint(request)

    return guarded


def source_routes(view: View, token: str) -> list[Route]:
    """The routes to scripts and to their static assets, open to bearers of `token` alone.

    `GET /_edge/namespaces/{namespace}/scripts/{script}`. 200: the script as `worker_code` has it, in JSON, its version
    as ETag. 304: `If-None-Match` names that version. 404: no such script, in the words that a dispatch Worker gets.
    422: the edge cannot run it, and why.
    `GET /_edge/assets/{namespace}/{hash}`, where the namespace is that of `Assets`. 200: the file, which never changes.
    404: no such file. Both: 401 for a wrong token.
    """

    async def script(request: Request) -> Response:
        namespace, name = request.path_params["namespace"], request.path_params["script"]
        bundle = view.namespace_script(namespace, name)
        if bundle is None:
            return PlainTextResponse(_NO_SCRIPT if view.has_namespace(namespace) else _NO_NAMESPACE, 404)
        headers = {"etag": f'"{bundle.version}"'}
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=304, headers=headers)
        try:
            code = worker_code(bundle)
        except UnrunnableError as error:
            return PlainTextResponse(str(error), 422)
        return Response(json.dumps(code), headers=headers, media_type="application/json")

    async def asset(request: Request) -> Response:
        found = view.asset(request.path_params["namespace"], request.path_params["hash"])
        if found is None:
            return PlainTextResponse("no such asset", 404)
        content_type = {"content-type": found.content_type} if found.content_type else {}
        return Response(found.body, headers={"cache-control": "immutable", **content_type})

    return [
        Route("/_edge/namespaces/{namespace}/scripts/{script}", edge_only(token, script), methods=["GET"]),
        Route("/_edge/assets/{namespace}/{hash}", edge_only(token, asset), methods=["GET"]),
    ]


def worker_code(bundle: Bundle) -> dict[str, Any]:
    """The bundle for `programs.js`: bytes are base64, and a binding that is no value is `{entrypoint, props, client?}`.

    `trusted` is as of a bundle, `assets` is what `assets.js` takes. Raises `UnrunnableError`.
    """
    if problems := problems_of(bundle, BINDING_TYPES):
        raise UnrunnableError(problems)
    values = [binding for binding in bundle.bindings if binding["type"] in VALUE_BINDINGS]
    others = [binding for binding in bundle.bindings if binding["type"] not in VALUE_BINDINGS]
    return {
        "script": bundle.name,
        "compatibilityDate": bundle.compatibility_date,
        "compatibilityFlags": list(bundle.compatibility_flags),
        "mainModule": bundle.main_module,
        "trusted": bundle.trusted,
        "modules": {module.name: _module(module) for module in bundle.modules},
        "env": {binding["name"]: binding[VALUE_BINDINGS[binding["type"]]] for binding in values},
        "bindings": {binding["name"]: _facade(binding) for binding in others},
        "assets": bundle.assets and _assets(bundle.assets),
    }


def _assets(assets: Assets) -> dict[str, Any]:
    return {
        "namespace": assets.namespace,
        "manifest": base64.b64encode(assets.manifest).decode(),
        "worker": assets.worker,
        "router": assets.router,
    }


def _facade(binding: Mapping[str, Any]) -> dict[str, Any]:
    """The entrypoint of `facades.js` that stands for the binding, and the client that the app sees instead."""
    match binding["type"]:
        case "assets":
            return {"entrypoint": "Assets", "props": {}}
        case "service":
            return {"entrypoint": "Service", "props": {"service": binding["service"]}}
        case kind:
            resource = RESOURCES[kind]
            props = {"host": resource.host, "header": resource.header, "id": binding[resource.field]}
            return {"entrypoint": "Resource", "props": props, "client": clients.MODULES[kind]}


def _module(module: Module) -> dict[str, Any]:
    kind = module_kind(module)
    match kind:
        case "js" | "text":
            return {kind: module.body.decode()}
        case "json":
            return {kind: json.loads(module.body)}
        case _:
            return {kind: base64.b64encode(module.body).decode()}
