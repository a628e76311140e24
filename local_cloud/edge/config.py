"""From an account to the configurations of the edge's two workerd processes, as Cap'n Proto text.

One runs the account's Workers (`workers.py`). Behind its public socket stands `ingress.js`, which chooses among them;
behind a private one `account.js`, which the apps ask. The other process runs the apps, `apps.js`, in any account alike.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from local_cloud.edge import clients
from local_cloud.edge.bundles import UnrunnableError, problems_of
from local_cloud.edge.capnp import Enumerant, literal
from local_cloud.edge.model import Account, Bundle
from local_cloud.edge.resources import RESOURCES
from local_cloud.edge.workers import (
    BINDING_TYPES,
    OWN_DATE,
    SERVICE_PREFIX,
    asset,
    outbound_worker,
    outbounds_service,
    worker_services,
)

_APPS_MODULES = (
    "apps.js",
    "residents.js",
    "programs.js",
    "facades.js",
    "budgets.js",
    "assets.js",
    "batches.js",
    "hop.js",
)
"""The main module comes first."""

_EXTENSION_MODULES = ("namespace", "dataset", "batches", "hop")
"""Of the bindings that workerd does not have: what an account Worker imports by no name of its own."""

_ABSOLUTE = {"style": Enumerant("proxy")}
"""Of HTTP between the two processes: the URL is sent whole, with its scheme."""

_REFUSED_WORKER = re.compile(rf"service {SERVICE_PREFIX}([^:]+): (.*)")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a configuration takes besides the account.

    `api_port` and `token` lead to the source of the namespaces' scripts (`source.py`) and to what bindings keep;
    `apps_port` and `account_port`, from each process to the other. `newest_date` is the latest compatibility date,
    YYYY-MM-DD, that this workerd runs; `residents`, how many apps stay loaded. `internet` is what a Worker's `fetch`
    reaches, in workerd's words: `public`, `private`, `local`, or networks such as `10.0.0.0/8`. `asset_workers` are
    those of the function of that name.
    """

    api_port: int
    apps_port: int
    account_port: int
    token: str
    newest_date: str
    asset_workers: Mapping[str, str]
    residents: int = 500
    internet: tuple[str, ...] = ("public",)


def render_account(account: Account, settings: Settings) -> str:
    """The process of the account's Workers. Raises `UnrunnableError`."""
    bundles = _bundles(account)
    if problems := [*_problems(bundles), *_missing_workers(account, bundles)]:
        raise UnrunnableError(problems)
    outbounds = {outbound_worker(binding) for bundle in bundles for binding in bundle.bindings} - {None}
    return _text(
        services=[
            {"name": "internet", "network": _internet(settings)},
            {"name": "ingress", "worker": _ingress(account)},
            {"name": "account", "worker": _asked_by_apps(account, outbounds, settings)},
            {"name": "apps", "external": _process(settings.apps_port, settings)},
            {"name": "cloud", "external": _external(settings)},
            *_data_services(bundles, settings),
            *(
                service
                for worker in account.workers
                for service in worker_services(
                    worker, outbound=worker.name in outbounds, newest_date=settings.newest_date
                )
            ),
        ],
        sockets=[
            {"name": "http", "http": {}, "service": "ingress"},
            {"name": "probe", "http": {}, "service": "ingress"},
            {"name": "account", "http": _ABSOLUTE, "service": "account"},
        ],
        extensions=[
            {
                "modules": [
                    {"name": f"local:{name}", "esModule": asset(f"{name}.js"), "internal": True}
                    for name in _EXTENSION_MODULES
                ]
            }
        ],
    )


def render_apps(settings: Settings) -> str:
    """The process of the apps."""
    worker = {
        "modules": [
            *({"name": name, "esModule": asset(name)} for name in _APPS_MODULES),
            *({"name": name, "esModule": source} for name, source in settings.asset_workers.items()),
            {"name": "clients.json", "json": json.dumps(clients.sources())},
        ],
        "compatibilityDate": OWN_DATE,
        "compatibilityFlags": ["experimental"],
        "durableObjectNamespaces": [{"className": "Apps", "uniqueKey": "apps", "preventEviction": True}],
        "durableObjectStorage": {"inMemory": None},
        "bindings": [
            {"name": "APPS", "durableObjectNamespace": "Apps"},
            {"name": "LOADER", "workerLoader": {}},
            {"name": "CLOUD", "service": "cloud"},
            {"name": "ACCOUNT", "service": "account"},
            {"name": "TOKEN", "text": settings.token},
            {"name": "NEWEST_DATE", "text": settings.newest_date},
            {"name": "RESIDENTS", "json": json.dumps(settings.residents)},
        ],
    }
    return _text(
        services=[
            {"name": "internet", "network": _internet(settings)},
            {"name": "apps", "worker": worker},
            {"name": "cloud", "external": _external(settings)},
            {"name": "account", "external": _process(settings.account_port, settings)},
        ],
        sockets=[
            {"name": "apps", "http": _ABSOLUTE, "service": "apps"},
            {"name": "probe", "http": {}, "service": {"name": "apps", "entrypoint": "Control"}},
        ],
        v8Flags=["--expose-gc"],
    )


def refused_workers(stderr: Iterable[str]) -> list[str]:
    """From the lines that workerd writes over a configuration: what it has against the account's Workers."""
    problems: list[str] = []
    for line in stderr:
        if match := _REFUSED_WORKER.match(line):
            problems.append(f"Worker {match[1]}: {match[2]}")
        elif problems and line.startswith(" "):
            problems[-1] += f"\n{line}"
    return problems


def _bundles(account: Account) -> list[Bundle]:
    return [
        bundle
        for worker in account.workers
        for bundle in ([worker] if isinstance(worker, Bundle) else [version.bundle for version in worker.versions])
    ]


def _problems(bundles: Iterable[Bundle]) -> list[str]:
    return [problem for bundle in bundles for problem in problems_of(bundle, BINDING_TYPES)]


def _missing_workers(account: Account, bundles: Iterable[Bundle]) -> list[str]:
    running = {worker.name for worker in account.workers}
    return [
        f"Worker {bundle.name}: binding {binding['name']!r} has {kind} {name!r}, "
        "which does not exist or has no deployed version"
        for bundle in bundles
        for binding in bundle.bindings
        for kind, name in (("outbound Worker", outbound_worker(binding)), ("service", binding.get("service")))
        if name and name not in running
    ]


def _data_services(bundles: Iterable[Bundle], settings: Settings) -> list[dict[str, Any]]:
    """A service for each resource that is bound."""
    services = {
        resource.service(binding): _external(settings, resource.told(binding))
        for bundle in bundles
        for binding in bundle.bindings
        if (resource := RESOURCES.get(binding["type"]))
    }
    return [{"name": name, "external": services[name]} for name in sorted(services)]


def _text(*, services: list[dict[str, Any]], sockets: list[dict[str, Any]], **config: Any) -> str:
    modules = [{"name": "linger.js", "esModule": asset("linger.js")}]
    config["services"] = [*services, {"name": "linger", "worker": {"modules": modules, "compatibilityDate": OWN_DATE}}]
    config["sockets"] = [*sockets, {"name": "linger", "http": {}, "service": "linger"}]
    return f'using Workerd = import "/workerd/workerd.capnp";\nconst config :Workerd.Config = {literal(config)};\n'


def _internet(settings: Settings) -> dict[str, Any]:
    return {"allow": list(settings.internet), "tlsOptions": {"trustBrowserCas": True}}


def _external(settings: Settings, *headers: tuple[str, str]) -> dict[str, Any]:
    """The local cloud's own process, told who asks."""
    told = [("authorization", f"Bearer {settings.token}"), *headers]
    return {
        "address": f"127.0.0.1:{settings.api_port}",
        "http": {"injectRequestHeaders": [{"name": name, "value": value} for name, value in told]},
    }


def _process(port: int, settings: Settings) -> dict[str, Any]:
    """The other process."""
    headers = [{"name": "local-cloud-token", "value": settings.token}]
    return {"address": f"127.0.0.1:{port}", "http": {**_ABSOLUTE, "injectRequestHeaders": headers}}


def _asked_by_apps(account: Account, outbounds: Iterable[str], settings: Settings) -> dict[str, Any]:
    services = [f"{SERVICE_PREFIX}{worker.name}" for worker in account.workers]
    return {
        "modules": [{"name": name, "esModule": asset(name)} for name in ("account.js", "hop.js")],
        "compatibilityDate": OWN_DATE,
        "bindings": [
            {"name": "TOKEN", "text": settings.token},
            *({"name": service, "service": service} for service in services),
            *({"name": f"outbound:{name}", "service": outbounds_service(name)} for name in sorted(outbounds)),
        ],
    }


def _ingress(account: Account) -> dict[str, Any]:
    table = {
        "workers": [worker.name for worker in account.workers],
        "workers_subdomain": account.workers_subdomain,
        "workers_dev": sorted(account.workers_dev),
        "zones": account.zones,
        "routes": [asdict(route) for route in account.routes],
        "records": [asdict(record) for record in account.records],
        "domains": [asdict(domain) for domain in account.domains],
        "hostnames": [asdict(hostname) for hostname in account.hostnames],
    }
    services = [f"{SERVICE_PREFIX}{worker.name}" for worker in account.workers]
    return {
        "modules": [
            {"name": "ingress.js", "esModule": asset("ingress.js")},
            {"name": "hosts.js", "esModule": asset("hosts.js")},
            {"name": "table.json", "json": json.dumps(table)},
        ],
        "compatibilityDate": OWN_DATE,
        "bindings": [{"name": service, "service": service} for service in services],
    }
