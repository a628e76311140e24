"""The clients that give an app its bindings, against workerd's own: one table of operations, the same results."""

import asyncio
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from local_cloud.d1 import Databases
from local_cloud.edge import clients
from local_cloud.edge.capnp import literal
from local_cloud.edge.resources import RESOURCES
from local_cloud.edge.workers import OWN_DATE
from local_cloud.edge_data import data_routes
from local_cloud.ports import listen
from local_cloud.store import Reader, Store
from local_cloud.writes import Writes
from overskill.checkout_copy import free_ports

TOKEN = "the-token"
KINDS = ("kv", "r2", "d1")
TYPES = {"KV": "kv_namespace", "R2": "r2_bucket", "DB": "d1"}
"""By the name of the binding in the operations."""

RUNNER = """
import { WorkerEntrypoint } from "cloudflare:workers";
import modules from "modules.json";
import { run } from "operations.js";

export class Data extends WorkerEntrypoint {
  fetch(request) {
    return this.env[this.ctx.props.service].fetch(request);
  }
}

export default {
  async fetch(request, env, ctx) {
    const [, who, kind] = new URL(request.url).pathname.split("/");
    if (who === "native") return Response.json(await run(kind, env));
    const data = (name) => ctx.exports.Data({ props: { service: `${name}_SERVICE` } });
    const app = env.LOADER.get("app", () => ({
      compatibilityDate: DATE,
      mainModule: "app.js",
      modules,
      env: { KV: data("KV"), R2: data("R2"), DB: data("DB") },
    }));
    return app.getEntrypoint().fetch(request);
  },
};
"""
APP = """
import d1 from "./d1.js";
import kv from "./kv.js";
import r2 from "./r2.js";
import { run } from "./operations.js";

export default {
  async fetch(request, env) {
    const kind = new URL(request.url).pathname.split("/")[2];
    return Response.json(await run(kind, { KV: kv(env.KV), R2: r2(env.R2), DB: d1(env.DB) }));
  },
};
"""


class NoEdge:
    """What these tests write needs no reload."""

    async def reload(self) -> None:
        raise AssertionError


def config(port: int, api_port: int) -> str:
    """A Worker with workerd's bindings to resources `native`, and with services that lead to those called `client`."""
    operations = (Path(__file__).parent / "binding_operations.js").read_text()
    modules = {"app.js": APP, "operations.js": operations, **clients.sources()}

    def external(binding_type: str, name: str) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {TOKEN}", RESOURCES[binding_type].header: name}
        injected = [{"name": header, "value": value} for header, value in headers.items()]
        return {"address": f"127.0.0.1:{api_port}", "http": {"injectRequestHeaders": injected}}

    services = [
        {"name": f"{name}:{binding}", "external": external(binding_type, name)}
        for binding, binding_type in TYPES.items()
        for name in ("native", "client")
    ]
    fetcher = {"name": "fetcher", "service": "native:DB"}
    bindings = [
        {"name": "KV", "kvNamespace": "native:KV"},
        {"name": "R2", "r2Bucket": "native:R2"},
        {"name": "DB", "wrapped": {"moduleName": "cloudflare-internal:d1-api", "innerBindings": [fetcher]}},
        *({"name": f"{binding}_SERVICE", "service": f"client:{binding}"} for binding in TYPES),
        {"name": "LOADER", "workerLoader": {"id": "apps"}},
    ]
    worker = {
        "modules": [
            {"name": "runner.js", "esModule": RUNNER.replace("DATE", json.dumps(OWN_DATE))},
            {"name": "operations.js", "esModule": operations},
            {"name": "modules.json", "json": json.dumps(modules)},
        ],
        "compatibilityDate": OWN_DATE,
        "bindings": bindings,
    }
    sockets = [{"name": "http", "address": f"127.0.0.1:{port}", "http": {}, "service": "main"}]
    whole = {"services": [*services, {"name": "main", "worker": worker}], "sockets": sockets}
    return f'using Workerd = import "/workerd/workerd.capnp";\nconst config :Workerd.Config = {literal(whole)};\n'


@contextmanager
def answering(directory: Path) -> Iterator[int]:
    """The private calls over a store with a resource of each type, `native` and `client`; their port."""
    store, databases = Store(directory / "cloud.sqlite3"), Databases(directory / "databases")
    with store.transaction():
        for name in ("native", "client"):
            store.put("kv_namespaces", "", name, {"id": name})
            store.put("r2_buckets", "", name, {"name": name, "storage_class": "Standard"})
            store.put("d1_databases", "", name, {"uuid": name})
    reader = Reader(directory / "cloud.sqlite3")
    routes = data_routes(reader, store, databases, Writes(store, NoEdge(), NoEdge()), TOKEN)
    options = uvicorn.Config(Starlette(routes=routes), log_config=None, ws="none", lifespan="off")
    server = uvicorn.Server(options)
    with listen(0, "") as listener:
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()
            databases.close()
            reader.close()
            store.close()


@pytest.fixture(scope="module")
def worker(workerd_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    directory = tmp_path_factory.mktemp("clients")
    (port,) = free_ports(1)
    with answering(directory) as api_port:
        path = directory / "workerd.capnp"
        path.write_text(config(port, api_port))
        with subprocess.Popen([workerd_binary, "serve", "--experimental", str(path)]) as process:
            try:
                with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                    yield client
            finally:
                process.kill()


def told(worker: httpx.Client, who: str, kind: str) -> list[Any]:
    """What came of each step, with its name."""
    deadline = time.monotonic() + 10
    while True:
        try:
            answer = worker.get(f"/{who}/{kind}")
        except httpx.ConnectError:  # workerd is still starting
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            assert answer.status_code == 200, answer.text
            return answer.json()


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_does_as_workerds_binding_does(worker: httpx.Client, kind: str) -> None:
    native, client = told(worker, "native", kind), told(worker, "client", kind)
    assert len(native) > 40
    assert [pair for pair in zip(native, client, strict=True) if pair[0] != pair[1]] == []


def test_every_binding_has_its_client() -> None:
    assert set(clients.MODULES.values()) < set(clients.sources())
    assert set(clients.MODULES) == set(TYPES.values())
