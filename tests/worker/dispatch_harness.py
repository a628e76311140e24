"""The dispatch Worker as `infra/` declares it, served by a real edge with apps to dispatch to."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge_harness import EMPTY, JS, RunningEdge, bundle, serve

from infra.dispatcher import OUTBOUND_PARAMETERS
from infra.versioned_worker import COMPATIBILITY_DATE
from local_cloud import kv
from local_cloud.edge.model import Bundle, Hostname, Module, Record, Route
from local_cloud.store import Reader, Store

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "dispatch_worker" / "src"
OUTBOUND_SOURCE = ROOT / "outbound_worker" / "src"
CONTRACT = json.loads((ROOT / "contract" / "names.json").read_text())
ACCESS = json.loads((ROOT / "contract" / "access.json").read_text())
PAGE = {"accept": "text/html"}
"""The headers of a browser's visit, as far as they matter here."""

ECHO = """
export default {
  async fetch(request) {
    const { method, url, headers } = request;
    return Response.json({ app: APP, method, url, headers: Object.fromEntries(headers), body: await request.text() });
  },
};
"""


@dataclass(frozen=True, kw_only=True)
class Platform:
    """A dispatch Worker called `name`, with all hosts below `domain`. `settings` are those that differ from the usual.

    `store` is the KV namespace that it reads; `bindings` replace those of their names.
    """

    name: str = "dispatch"
    domain: str = "overskill.localhost"
    settings: Mapping[str, Any] | None = None
    store: str = "apps"
    bindings: Sequence[Mapping[str, Any]] = ()

    @property
    def path_host(self) -> str:
        return f"{self.name}.overskill.workers.localhost"

    def worker(self) -> Bundle:
        """Bound to `preview` and `production`: a platform without the app environment `staging`."""
        settings = {
            "domain": self.domain,
            "pathHost": self.path_host,
            "redirectPaths": False,
            "cacheSeconds": 1,
            "plans": {"free": {"cpuMs": 50, "subRequests": 50}, "pro": {"cpuMs": 500, "subRequests": 1000}},
            "defaultPlan": "free",
            "parentCookies": "keep",
            "protectedEnvironments": [],
            "loginUrl": None,
        }
        bindings = {
            "APPS": {"type": "kv_namespace", "namespace_id": self.store},
            "SETTINGS": {"type": "json", "json": settings | dict(self.settings or {})},
            "USAGE": {"type": "analytics_engine", "dataset": self.name},
            "NAMESPACE_PREVIEW": namespace("preview"),
            "NAMESPACE_PRODUCTION": namespace("production"),
            **{binding["name"]: binding for binding in self.bindings},
        }
        return worker(self.name, SOURCE, *({**binding, "name": name} for name, binding in bindings.items()))


def namespace(name: str) -> dict[str, Any]:
    outbound = {"worker": {"service": "outbound"}, "params": [{"name": name} for name in OUTBOUND_PARAMETERS]}
    return {"type": "dispatch_namespace", "namespace": name, "outbound": outbound}


def modules(source: Path, *names: str) -> tuple[Module, ...]:
    return tuple(Module(name=name, content_type=JS, body=(source / name).read_bytes()) for name in names)


def worker(name: str, source: Path, *bindings: Mapping[str, Any]) -> Bundle:
    """A Worker of every module in `source`."""
    main, *others = modules(source, "index.js", *(p.name for p in source.iterdir() if p.name != "index.js"))
    body = main.body.decode()
    return bundle(name, body, *others, bindings=bindings, compatibility_date=COMPATIBILITY_DATE)


def outbound_worker() -> Bundle:
    """The Worker as `infra/` declares it: apps of plan `free` may call what they declare, those of `pro` anything."""
    egress = {"free": {"mode": "enforce", "allow": ["*.allowed.example"]}, "pro": {"mode": "observe", "allow": []}}
    return worker(
        "outbound",
        OUTBOUND_SOURCE,
        {"type": "plain_text", "name": "DEFAULT_PLAN", "text": "free"},
        {"type": "json", "name": "EGRESS", "json": egress},
        {"type": "analytics_engine", "name": "USAGE", "dataset": "egress"},
    )


def echo(name: str) -> Bundle:
    """An app that answers with its name and what it was asked."""
    return bundle(name, ECHO.replace("APP", json.dumps(name), 1))


class AppStore:
    """The platform's KV namespaces and its data points, in the file that the edge under test reads."""

    def __init__(self, path: Path, *namespaces: str) -> None:
        self.path = path
        store = Store(path)
        with store.transaction():
            for name in namespaces:
                store.put("kv_namespaces", "", name, {"id": name, "title": name})
        store.close()

    def put(self, key: str, value: Any, namespace: str = "apps") -> None:
        """`value` as JSON, unless it is bytes already; None: the key goes."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        store = Store(self.path)
        with store.transaction():
            if value is None:
                kv.delete(store, namespace, key)
            else:
                kv.write(store, namespace, key, kv.Value(body=body, options={}, metadata=None))
        store.close()

    def points(self, dataset: str, app: str, count: int = 0) -> list[dict[str, Any]]:
        """The data points of an app, in their order, once there are `count`: a Worker does not wait for them."""
        deadline = time.monotonic() + 5
        while True:
            reader = Reader(self.path)
            try:
                points = [point for point in reader.values("data_points", dataset) if point["index1"] == app]
            finally:
                reader.close()
            if len(points) >= count:
                return points
            assert time.monotonic() < deadline, points
            time.sleep(0.02)


@contextmanager
def dispatching(
    workerd: Path,
    directory: Path,
    platforms: Sequence[Platform],
    scripts: Mapping[tuple[str, str], Bundle],
    *,
    store: AppStore,
    workers: Sequence[Bundle] = (),
    hostnames: Sequence[str] = (),
    **options: Any,
) -> Iterator[RunningEdge]:
    """The dispatch Workers of `platforms`, each on all hosts below its domain and on workers.dev, before `scripts`.

    `hostnames` are customers' own, of the first platform's zone; `workers` account Workers besides.
    """
    zones = tuple(platform.domain for platform in platforms)
    account = replace(
        EMPTY,
        workers=(*(platform.worker() for platform in platforms), outbound_worker(), *workers),
        workers_dev=frozenset(platform.name for platform in platforms),
        zones=zones,
        records=tuple(
            Record(zone=zone, name=name, type="CNAME", content="x", proxied=True)
            for zone in zones
            for name in (f"*.{zone}", zone)
        ),
        routes=tuple(Route(zone=platform.domain, pattern="*/*", script=platform.name) for platform in platforms),
        hostnames=tuple(Hostname(zone=zones[0], hostname=name, origin=f"x.{zones[0]}") for name in hostnames),
    )
    with serve(workerd, directory, account, scripts, store=store.path, **options) as edge:
        yield edge
