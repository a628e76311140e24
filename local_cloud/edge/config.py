"""From an account to the configuration of a workerd process, as Cap'n Proto text.

Each account Worker is a service `worker:{name}`; behind the sockets stands `ingress.js`, which chooses among them.

A compatibility date later than workerd's release runs as the release's, with a warning, as Miniflare has it: workerd
would refuse the whole configuration over one such date.
"""

import json
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

from local_cloud.edge.bundles import VALUE_BINDINGS, UnrunnableError, module_kind, problems_of
from local_cloud.edge.capnp import literal
from local_cloud.edge.model import Account, Bundle, Module

log = logging.getLogger(__name__)

_SERVICE_PREFIX = "worker:"
_REFUSED_WORKER = re.compile(rf"service {_SERVICE_PREFIX}([^:]+): (.*)")
_BINDING_TYPES = frozenset({*VALUE_BINDINGS, "dispatch_namespace"})
_MODULE_FIELDS = {"js": "esModule", "text": "text", "json": "json", "wasm": "wasm", "data": "data"}
_OWN_DATE = "2026-01-01"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a configuration takes besides the account.

    `api_port` and `token` lead to the source of the namespaces' scripts (`source.py`); `newest_date` is the latest
    compatibility date, YYYY-MM-DD, that this workerd runs.
    """

    api_port: int
    token: str
    newest_date: str


def render(account: Account, settings: Settings) -> str:
    """The whole configuration. Raises `UnrunnableError`."""
    problems = [problem for bundle in account.workers for problem in problems_of(bundle, _BINDING_TYPES)]
    if problems:
        raise UnrunnableError(problems)
    source = {
        "address": f"127.0.0.1:{settings.api_port}",
        "http": {"injectRequestHeaders": [{"name": "authorization", "value": f"Bearer {settings.token}"}]},
    }
    config = {
        "services": [
            {"name": "ingress", "worker": _ingress(account)},
            {"name": "source", "external": source},
            *(
                {"name": f"{_SERVICE_PREFIX}{bundle.name}", "worker": _worker(bundle, settings)}
                for bundle in account.workers
            ),
        ],
        "sockets": [{"name": name, "http": {}, "service": "ingress"} for name in ("http", "probe")],
        "extensions": [
            {"modules": [{"name": "local:namespace", "esModule": _asset("namespace.js"), "internal": True}]}
        ],
    }
    return f'using Workerd = import "/workerd/workerd.capnp";\nconst config :Workerd.Config = {literal(config)};\n'


def refused_workers(stderr: Iterable[str]) -> list[str]:
    """From the lines that workerd writes over a configuration: what it has against the account's Workers."""
    problems: list[str] = []
    for line in stderr:
        if match := _REFUSED_WORKER.match(line):
            problems.append(f"Worker {match[1]}: {match[2]}")
        elif problems and line.startswith(" "):
            problems[-1] += f"\n{line}"
    return problems


def _ingress(account: Account) -> dict[str, Any]:
    table = {
        "workers": [bundle.name for bundle in account.workers],
        "workers_subdomain": account.workers_subdomain,
        "workers_dev": sorted(account.workers_dev),
        "zones": account.zones,
        "routes": [asdict(route) for route in account.routes],
        "records": [asdict(record) for record in account.records],
        "domains": [asdict(domain) for domain in account.domains],
    }
    services = [f"{_SERVICE_PREFIX}{bundle.name}" for bundle in account.workers]
    return {
        "modules": [
            {"name": "ingress.js", "esModule": _asset("ingress.js")},
            {"name": "hosts.js", "esModule": _asset("hosts.js")},
            {"name": "table.json", "json": json.dumps(table)},
        ],
        "compatibilityDate": _OWN_DATE,
        "bindings": [{"name": service, "service": service} for service in services],
    }


def _worker(bundle: Bundle, settings: Settings) -> dict[str, Any]:
    main_first = sorted(bundle.modules, key=lambda module: module.name != bundle.main_module)
    return {
        "modules": [_module(module) for module in main_first],
        "compatibilityDate": _supported_date(bundle, settings.newest_date),
        "compatibilityFlags": list(bundle.compatibility_flags),
        "bindings": [{"name": binding["name"], **_binding(binding, settings)} for binding in bundle.bindings],
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


def _binding(binding: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    match binding["type"]:
        case "dispatch_namespace":
            inner = [
                {"name": "NAMESPACE", "text": binding["namespace"]},
                {"name": "NEWEST_DATE", "text": settings.newest_date},
                {"name": "SOURCE", "service": "source"},
                {"name": "LOADER", "workerLoader": {"id": "apps"}},
            ]
            return {"wrapped": {"moduleName": "local:namespace", "innerBindings": inner}}
        case "json":
            return {"json": json.dumps(binding["json"])}
        case text_type:
            return {"text": binding[VALUE_BINDINGS[text_type]]}


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
