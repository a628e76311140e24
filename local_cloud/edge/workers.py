"""The account's Workers as services of workerd: `worker:{name}` is a Worker, or chooses between two versions of it.

The versions of a split are services `worker:{name}@{version}`, and `worker:{name}` is `split.js`. A Worker that is the
outbound Worker of some binding has `outbound.js` around its main module. Both have the entrypoint
`LocalCloudOutbounds`, which `account.js` asks.

A compatibility date later than workerd's release runs as the release's, with a warning, as Miniflare has it: workerd
would refuse the whole configuration over one such date.
"""

import json
import logging
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from local_cloud.edge.bundles import VALUE_BINDINGS, module_kind
from local_cloud.edge.model import Bundle, Module, Split
from local_cloud.edge.resources import RESOURCES

log = logging.getLogger(__name__)

OWN_DATE = "2026-01-01"
"""Compatibility date of the local cloud's own Workers."""

SERVICE_PREFIX = "worker:"

BINDING_TYPES = frozenset({*VALUE_BINDINGS, *RESOURCES, "analytics_engine", "dispatch_namespace", "service"})

_DATA_FIELDS = {"kv_namespace": "kvNamespace", "r2_bucket": "r2Bucket"}
_CLOUD = {"name": "CLOUD", "service": "cloud"}
_MODULE_FIELDS = {"js": "esModule", "text": "text", "json": "json", "wasm": "wasm", "data": "data"}
_CTX_EXPORTS_DATE = "2025-11-17"
"""From this compatibility date on a Worker has `ctx.exports`, and workerd refuses the flag that says so."""


def worker_services(worker: Bundle | Split, *, outbound: bool, newest_date: str) -> list[dict[str, Any]]:
    """The services of one Worker; `outbound`: some binding has it as its outbound Worker."""
    service = f"{SERVICE_PREFIX}{worker.name}"
    if isinstance(worker, Bundle):
        return [{"name": service, "worker": _worker(worker, outbound, newest_date)}]
    services = [{"name": service, "worker": _split(worker, outbound)}]
    for version in worker.versions:
        running = _worker(version.bundle, outbound, newest_date)
        services.append({"name": f"{service}@{version.id}", "worker": running})
    return services


def outbound_worker(binding: Mapping[str, Any]) -> str | None:
    """The name of a binding's outbound Worker."""
    outbound = binding.get("outbound")
    return outbound["worker"]["service"] if outbound else None


def outbounds_service(worker: str) -> dict[str, str]:
    """What to ask of an outbound Worker: a `fetch` for apps, by their parameters."""
    return {"name": f"{SERVICE_PREFIX}{worker}", "entrypoint": "LocalCloudOutbounds"}


def asset(name: str) -> str:
    """One of this package's own modules."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _worker(bundle: Bundle, outbound: bool, newest_date: str) -> dict[str, Any]:
    date = _supported_date(bundle, newest_date)
    modules = [_module(module) for module in sorted(bundle.modules, key=lambda one: one.name != bundle.main_module)]
    flags = list(bundle.compatibility_flags)
    if outbound:
        source = asset("outbound.js").replace('"main.js"', json.dumps(f"./{bundle.main_module}"))
        modules.insert(0, {"name": "local-cloud-outbound.js", "esModule": source})
        if date < _CTX_EXPORTS_DATE and "enable_ctx_exports" not in flags:
            flags.append("enable_ctx_exports")
    return {
        "modules": modules,
        "compatibilityDate": date,
        "compatibilityFlags": flags,
        "bindings": [{"name": binding["name"], **_binding(binding)} for binding in bundle.bindings],
    }


def _split(split: Split, outbound: bool) -> dict[str, Any]:
    service = f"{SERVICE_PREFIX}{split.name}"
    versions = [{"id": version.id, "percentage": version.percentage} for version in split.versions]
    bindings = [{"name": version.id, "service": f"{service}@{version.id}"} for version in split.versions]
    if outbound:
        bindings += [
            {"name": f"outbound:{version.id}", "service": outbounds_service(f"{split.name}@{version.id}")}
            for version in split.versions
        ]
    return {
        "modules": [
            {"name": "split.js", "esModule": asset("split.js")},
            {"name": "split.json", "json": json.dumps({"worker": split.name, "versions": versions})},
        ],
        "compatibilityDate": OWN_DATE,
        "bindings": bindings,
    }


def _supported_date(bundle: Bundle, newest: str) -> str:
    date = bundle.compatibility_date
    if date > newest:
        log.warning(
            "Worker %s: compatibility date %s runs as %s, the newest of this workerd", bundle.name, date, newest
        )
    return min(date, newest)


def _module(module: Module) -> dict[str, Any]:
    kind = module_kind(module)
    body = module.body if kind in {"wasm", "data"} else module.body.decode()
    return {"name": module.name, _MODULE_FIELDS[kind]: body}


def _binding(binding: Mapping[str, Any]) -> dict[str, Any]:
    match binding["type"]:
        case "analytics_engine" | "d1" | "dispatch_namespace":
            module, inner = _wrapped(binding)
            return {"wrapped": {"moduleName": module, "innerBindings": inner}}
        case "service":
            named = {"entrypoint": binding["entrypoint"]} if "entrypoint" in binding else {}
            return {"service": {"name": f"{SERVICE_PREFIX}{binding['service']}", **named}}
        case "kv_namespace" | "r2_bucket" as kept:
            return {_DATA_FIELDS[kept]: RESOURCES[kept].service(binding)}
        case "json":
            return {"json": json.dumps(binding["json"])}
        case text_type:
            return {"text": binding[VALUE_BINDINGS[text_type]]}


def _wrapped(binding: Mapping[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """The module that makes the binding, and what it makes it of."""
    match binding["type"]:
        case "analytics_engine":
            return "local:dataset", [{"name": "DATASET", "text": binding["dataset"]}, _CLOUD]
        case "d1":
            return "cloudflare-internal:d1-api", [{"name": "fetcher", "service": RESOURCES["d1"].service(binding)}]
        case _:
            return "local:namespace", _namespace(binding)


def _namespace(binding: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What `namespace.js` gets."""
    inner = [
        {"name": "NAMESPACE", "text": binding["namespace"]},
        {"name": "APPS", "service": "apps"},
        _CLOUD,
    ]
    if outbound := outbound_worker(binding):
        parameters = [parameter["name"] for parameter in binding["outbound"].get("params", ())]
        inner += [{"name": "OUTBOUND", "text": outbound}, {"name": "PARAMETERS", "json": json.dumps(parameters)}]
    return inner
