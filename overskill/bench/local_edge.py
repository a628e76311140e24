"""The same app on the local cloud: what a request costs where everything is as `./dev up` has it.

The local cloud is a process of its own, with a state folder for this once, driven by Cloudflare's API alone. Its
ingress, its loader of apps and the hop of HTTP between its two workerd processes are part of what is measured.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from overskill.bench.dispatch_worker import (
    COMPATIBILITY_DATE,
    DOMAIN,
    NAMESPACES,
    WORKERS,
    app_names,
    modules,
    target,
    values,
)
from overskill.bench.load import Target
from overskill.checkout_copy import free_ports
from overskill.errors import CommandError
from overskill.local_cloud_process import LocalCloud, Programs

OUTBOUND_PARAMETERS = ("app", "environment", "plan", "script", "services")
"""As in `infra/dispatcher.py`, whose import costs seconds; a test holds the two equal."""

_SECONDS = 60
_OUTBOUND = WORKERS.parents[2] / "outbound_worker" / "src"
_APP = [WORKERS / "app.js"]
_JAVASCRIPT = "application/javascript+module"


@contextmanager
def local_edge(programs: Programs, source: Path, apps: int, folder: Path) -> Iterator[dict[str, list[Target]]]:
    """Serve `apps` apps until the block ends; gives what to ask, by row.

    The rows: `direct`, the app as an account Worker; `forwarder`, an account Worker that only forwards to that one;
    `dispatcher`, the dispatch Worker whose modules are in `source`: a target for each app, where the others have one.
    Raises `CommandError` if the local cloud does not start, or refuses a call.
    """
    api_port, edge_port = free_ports(2)
    cloud = LocalCloud(
        state=folder / "state",
        log=folder / "local-cloud.log",
        api_port=api_port,
        edge_port=edge_port,
        zones=(DOMAIN,),
        resident_apps=apps,
    )
    names = app_names(apps)
    with ExitStack() as ending:
        ending.callback(cloud.stop)
        cloud.start(programs)
        account = ending.enter_context(_Account.of(cloud))
        _deploy_workers(account, source, names[0])
        for name in names:
            account.upload(f"workers/dispatch/namespaces/production/scripts/{name}", _APP, [_text("NAME", name)])
        workers_dev = f"{cloud.workers_subdomain}.workers.localhost:{edge_port}"
        yield {
            **{row: [target(names[0], edge_port, f"{row}.{workers_dev}")] for row in ("direct", "forwarder")},
            "dispatcher": [target(name, edge_port, f"{name}.{DOMAIN}:{edge_port}") for name in names],
        }


class _Account:
    """The account of a local cloud by its API. Raises `CommandError` for what that refuses."""

    def __init__(self, http: httpx.Client, account: str) -> None:
        self._http = http
        self._path = f"accounts/{account}"

    @classmethod
    @contextmanager
    def of(cls, cloud: LocalCloud) -> Iterator["_Account"]:
        headers = {"Authorization": f"Bearer {cloud.credentials()['cloudflare_token']}"}
        url = f"{cloud.api_url}/client/v4"
        with httpx.Client(base_url=url, headers=headers, timeout=_SECONDS, trust_env=False) as http:
            yield cls(http, cloud.account)

    def make(self, path: str, **body: Any) -> Any:
        return self._call("POST", f"{self._path}/{path}", json=body)

    def upload(self, path: str, files: Sequence[Path], bindings: Sequence[Mapping[str, Any]]) -> None:
        """The first of `files` is the main module."""
        metadata = {"main_module": files[0].name, "compatibility_date": COMPATIBILITY_DATE, "bindings": bindings}
        parts = [("metadata", (None, json.dumps(metadata), "application/json"))]
        parts += [(file.name, (file.name, file.read_text(), _JAVASCRIPT)) for file in files]
        self._call("PUT", f"{self._path}/{path}", files=parts)

    def publish(self, worker: str) -> None:
        """Have a Worker served on workers.dev."""
        self.make(f"workers/scripts/{worker}/subdomain", enabled=True)

    def route(self, worker: str) -> None:
        """Have a Worker serve every host below the domain."""
        (zone,) = self._call("GET", "zones", params={"name": DOMAIN})
        record = {"type": "AAAA", "name": f"*.{DOMAIN}", "content": "100::", "proxied": True, "ttl": 1}
        self._call("POST", f"zones/{zone['id']}/dns_records", json=record)
        self._call("POST", f"zones/{zone['id']}/workers/routes", json={"pattern": f"*.{DOMAIN}/*", "script": worker})

    def _call(self, method: str, path: str, **options: Any) -> Any:
        answer = self._http.request(method, path, **options)
        if answer.is_error:
            raise CommandError(f"the local cloud refuses {method} {path}: {answer.status_code}: {answer.text[:500]}")
        return answer.json()["result"]


def _deploy_workers(account: _Account, source: Path, app: str) -> None:
    """The account's Workers, as the platform declares them, beside the app as one of them."""
    for environment in NAMESPACES:
        account.make("workers/dispatch/namespaces", name=environment)
    keys = account.make("storage/kv/namespaces", title="apps")["id"]
    dataset = {"type": "analytics_engine", "name": "USAGE", "dataset": "usage"}
    egress = {"free": {"mode": "observe", "allow": []}}
    plans = [_json("EGRESS", egress), _text("DEFAULT_PLAN", "free")]
    outbound = {"worker": {"service": "outbound"}, "params": [{"name": name} for name in OUTBOUND_PARAMETERS]}
    namespaces = [
        {"type": "dispatch_namespace", "name": binding, "namespace": environment, "outbound": outbound}
        for environment, binding in NAMESPACES.items()
    ]
    kept = [{"type": "kv_namespace", "name": "APPS", "namespace_id": keys}, dataset]
    settings = [_json(name, value) for name, value in values().items()]
    account.upload("workers/scripts/direct", _APP, [_text("NAME", app)])
    account.upload(
        "workers/scripts/forwarder", [WORKERS / "forward.js"], [{"type": "service", "name": "APP", "service": "direct"}]
    )
    account.upload("workers/scripts/outbound", modules(_OUTBOUND), [*plans, dataset])
    account.upload("workers/scripts/dispatcher", modules(source), [*settings, *kept, *namespaces])
    account.publish("direct")
    account.publish("forwarder")
    account.route("dispatcher")


def _text(name: str, text: str) -> dict[str, str]:
    return {"type": "plain_text", "name": name, "text": text}


def _json(name: str, value: Any) -> dict[str, Any]:
    return {"type": "json", "name": name, "json": value}
