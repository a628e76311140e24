"""From an account to the configuration of a workerd process, as Cap'n Proto text.

Behind the sockets stands `ingress.js`, which chooses among the account's Workers (`workers.py`).
"""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from local_cloud.edge.bundles import UnrunnableError, problems_of
from local_cloud.edge.capnp import literal
from local_cloud.edge.model import Account, Bundle
from local_cloud.edge.workers import (
    BINDING_TYPES,
    DATASET_PREFIX,
    KV_PREFIX,
    OWN_DATE,
    SERVICE_PREFIX,
    asset,
    outbound_worker,
    worker_services,
)

KV_HEADER = "local-cloud-kv-namespace"
"""Names the namespace in what workerd asks for a KV binding."""

_REFUSED_WORKER = re.compile(rf"service {SERVICE_PREFIX}([^:]+): (.*)")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a configuration takes besides the account.

    `api_port` and `token` lead to the source of the namespaces' scripts (`source.py`) and to what the account's
    bindings keep; `newest_date` is the latest compatibility date, YYYY-MM-DD, that this workerd runs. `internet` is
    what a Worker's `fetch` reaches, in workerd's words: `public`, `private`, `local`, or networks such as `10.0.0.0/8`.
    """

    api_port: int
    token: str
    newest_date: str
    internet: tuple[str, ...] = ("public",)


def render(account: Account, settings: Settings) -> str:
    """The whole configuration. Raises `UnrunnableError`."""
    bundles = _bundles(account)
    if problems := [*_problems(bundles), *_missing_outbounds(account, bundles)]:
        raise UnrunnableError(problems)
    outbounds = {outbound_worker(binding) for bundle in bundles for binding in bundle.bindings}
    config = {
        "services": [
            {"name": "internet", "network": _internet(settings)},
            {"name": "ingress", "worker": _ingress(account)},
            {"name": "source", "external": _external(settings)},
            *_data_services(bundles, settings),
            *(
                service
                for worker in account.workers
                for service in worker_services(
                    worker, outbound=worker.name in outbounds, newest_date=settings.newest_date
                )
            ),
        ],
        "sockets": [{"name": name, "http": {}, "service": "ingress"} for name in ("http", "probe")],
        "extensions": [{"modules": [{"name": "local:namespace", "esModule": asset("namespace.js"), "internal": True}]}],
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


def _bundles(account: Account) -> list[Bundle]:
    return [
        bundle
        for worker in account.workers
        for bundle in ([worker] if isinstance(worker, Bundle) else [version.bundle for version in worker.versions])
    ]


def _problems(bundles: Iterable[Bundle]) -> list[str]:
    return [problem for bundle in bundles for problem in problems_of(bundle, BINDING_TYPES)]


def _missing_outbounds(account: Account, bundles: Iterable[Bundle]) -> list[str]:
    running = {worker.name for worker in account.workers}
    return [
        f"Worker {bundle.name}: binding {binding['name']!r} has outbound Worker {outbound!r}, "
        "which does not exist or has no deployed version"
        for bundle in bundles
        for binding in bundle.bindings
        if (outbound := outbound_worker(binding)) and outbound not in running
    ]


def _data_services(bundles: Iterable[Bundle], settings: Settings) -> list[dict[str, Any]]:
    """A service for each KV namespace and each dataset that is bound."""
    bindings = [binding for bundle in bundles for binding in bundle.bindings]
    namespaces = sorted({binding["namespace_id"] for binding in bindings if binding["type"] == "kv_namespace"})
    datasets = sorted({binding["dataset"] for binding in bindings if binding["type"] == "analytics_engine"})
    return [
        *(
            {"name": f"{KV_PREFIX}{namespace}", "external": _external(settings, (KV_HEADER, namespace))}
            for namespace in namespaces
        ),
        *({"name": f"{DATASET_PREFIX}{dataset}", "external": _external(settings)} for dataset in datasets),
    ]


def _internet(settings: Settings) -> dict[str, Any]:
    return {"allow": list(settings.internet), "tlsOptions": {"trustBrowserCas": True}}


def _external(settings: Settings, *headers: tuple[str, str]) -> dict[str, Any]:
    """The local cloud's own process, told who asks."""
    told = [("authorization", f"Bearer {settings.token}"), *headers]
    return {
        "address": f"127.0.0.1:{settings.api_port}",
        "http": {"injectRequestHeaders": [{"name": name, "value": value} for name, value in told]},
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
