"""An edge for tests: the account is a value in memory, the API's process is a thread."""

import asyncio
import hashlib
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from local_cloud.d1 import Databases
from local_cloud.edge import Edge, source_routes
from local_cloud.edge.model import Account, Asset, Bundle, Module
from local_cloud.edge_data import data_routes
from local_cloud.edge_events import event_routes
from local_cloud.ports import listen
from local_cloud.serving import KEEP_ALIVE_SECONDS
from local_cloud.store import Reader, Store
from local_cloud.writes import Writes
from overskill.checkout_copy import free_ports

JS = "application/javascript+module"
EMPTY = Account(
    workers=(), workers_dev=frozenset(), workers_subdomain="overskill", zones=(), routes=(), records=(), domains=()
)
DISPATCHER = """
export default {
  async fetch(request, env) {
    const [, namespace, script] = new URL(request.url).pathname.split("/");
    try {
      return await env[namespace].get(script).fetch(request);
    } catch (error) {
      const { name, message, remote = false } = error;
      return Response.json({ name, message, remote }, { status: 555 });
    }
  },
};
"""


def bundle(name: str, source: str, *modules: Module, **fields: Any) -> Bundle:
    """A Worker of one ES module `index.js` and of `modules`."""
    worker = Bundle(
        name=name,
        main_module="index.js",
        modules=(Module(name="index.js", content_type=JS, body=source.encode()), *modules),
        compatibility_date="2026-01-01",
        compatibility_flags=(),
        bindings=(),
        version="",
    )
    worker = replace(worker, **fields)
    return replace(worker, version=hashlib.sha256(repr(worker).encode()).hexdigest())


def replying(name: str, text: str, **fields: Any) -> Bundle:
    """A Worker that answers `text`."""
    return bundle(name, f"export default {{ fetch() {{ return new Response({text!r}); }} }};", **fields)


def dispatcher(*namespaces: str) -> Bundle:
    """A dispatch Worker that serves `/{namespace}/{script}/...`, and answers 555 with the exception it got."""
    bindings = tuple({"type": "dispatch_namespace", "name": name, "namespace": name} for name in namespaces)
    return bundle("dispatch", DISPATCHER, bindings=bindings)


class Scripts(dict[tuple[str, str], Bundle]):
    """The namespaces' scripts, by namespace and name; `changed` is called after each change."""

    changed: Callable[[], None] = staticmethod(lambda: None)

    def __setitem__(self, key: tuple[str, str], script: Bundle) -> None:
        super().__setitem__(key, script)
        self.changed()

    def __delitem__(self, key: tuple[str, str]) -> None:
        super().__delitem__(key)
        self.changed()


class State:
    """The `View` of the edge under test; assign to it as the API would commit."""

    def __init__(self, account: Account, scripts: Mapping[tuple[str, str], Bundle]) -> None:
        self.current = account
        self.scripts = Scripts(scripts)
        self.assets: dict[str, Asset] = {}
        self.deleted_namespaces: set[str] = set()

    def account(self) -> Account:
        return self.current

    def has_namespace(self, namespace: str) -> bool:
        return namespace not in self.deleted_namespaces

    def namespace_script(self, namespace: str, name: str) -> Bundle | None:
        return self.scripts.get((namespace, name))

    def asset(self, namespace: str, content_hash: str) -> Asset | None:
        return self.assets.get(content_hash)


class RunningEdge:
    """A served edge; `get` asks it as a browser would that keeps no cookies."""

    def __init__(self, edge: Edge, state: State, port: int, loop: asyncio.AbstractEventLoop) -> None:
        self.edge, self.state, self.port = edge, state, port
        self._loop = loop
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10)

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    def change(self, **fields: Any) -> None:
        """Commit a change of the account, and wait until it is live."""
        self.state.current = replace(self.state.current, **fields)
        self.run(self.edge.reload())

    def get(self, host: str, path: str = "/", **options: Any) -> httpx.Response:
        headers = {"host": f"{host}:{self.port}", **options.pop("headers", {})}
        self._client.cookies.clear()
        return self._client.request(options.pop("method", "GET"), path, headers=headers, **options)

    def stream(self, host: str, path: str) -> Any:
        return self._client.stream("GET", path, headers={"host": f"{host}:{self.port}"})

    def close(self) -> None:
        self._client.close()


@contextmanager
def serve(
    workerd: Path,
    directory: Path,
    account: Account = EMPTY,
    scripts: Mapping[tuple[str, str], Bundle] | None = None,
    *,
    store: Path | None = None,
    internet: tuple[str, ...] = ("public",),
    residents: int = 500,
) -> Iterator[RunningEdge]:
    """Run an edge on free ports, with its source of scripts, until the block ends.

    `store` is the file of what bindings keep; an edge without it has no such bindings.
    """
    state = State(account, scripts or {})
    (port,) = free_ports(1)
    with listen(0, "") as source_socket:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        edge = Edge(
            state, port=port, api_port=source_socket.getsockname()[1], workerd=workerd, state_dir=directory / "edge"
        )
        edge.internet, edge.residents = internet, residents
        routes: list[BaseRoute] = [*source_routes(state, edge.token)]
        if store:
            written, databases = Store(store), Databases(store.parent / "databases")
            writes = Writes(written, state, edge)
            routes += data_routes(Reader(store), written, databases, writes, edge.token)
            routes += event_routes(written, writes, edge.token)
        app = Starlette(routes=routes)
        options = uvicorn.Config(app, log_config=None, ws="none", lifespan="off", timeout_keep_alive=KEEP_ALIVE_SECONDS)
        server = uvicorn.Server(options)
        running = RunningEdge(edge, state, port, loop)
        serving = asyncio.run_coroutine_threadsafe(server.serve([source_socket]), loop)
        try:
            running.run(edge.start())
            state.scripts.changed = lambda: running.run(edge.refresh())
            try:
                yield running
            finally:
                running.run(edge.stop())
        finally:
            running.close()
            server.should_exit = True
            serving.result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()
