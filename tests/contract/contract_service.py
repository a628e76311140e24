"""A service under test, and the local cloud that offers two of them in this process."""

import asyncio
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from observer import Observer
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from local_cloud.app import create_app
from local_cloud.cloud import Cloud
from local_cloud.edge.model import Account
from local_cloud.edge_view import EdgeView
from local_cloud.opening import open_cloud
from local_cloud.ports import listen
from local_cloud.rate_limits import RateLimits
from local_cloud.settings import Settings
from local_cloud.state import StateDirectory
from local_cloud.store import Reader
from local_cloud.writes import Writes
from overskill.toolchain.act import install_act
from overskill.toolchain.cache import Cache

ACT = Path(os.environ.get("OVERSKILL_ACT") or install_act(Cache()).path / "act")
"""Made if it isn't in the cache: without it, no workflow could be tested."""

JAVASCRIPT = "application/javascript+module"
HELLO = "export default { fetch() { return new Response('hello'); } };"

Form = list[tuple[str, tuple[str | None, str | bytes, str]]]


def upload(metadata: Mapping[str, Any], **modules: str) -> Form:
    """An upload's form: `index="..."` is the ES module `index.js`, which is the main one."""
    described = {"main_module": "index.js", "compatibility_date": "2026-01-01", **metadata}
    parts: Form = [("metadata", (None, json.dumps(described), "application/json"))]
    files = {"index": HELLO, **modules}
    return parts + [(f"{name}.js", (f"{name}.js", body, JAVASCRIPT)) for name, body in files.items()]


@dataclass(frozen=True, kw_only=True)
class Service:
    """Sends calls and checks their status. `names` fills in the `{...}` of a path."""

    client: httpx.Client
    root: str
    token: str
    names: dict[str, str]

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        path = path.format_map(self.names)
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return self.client.request(method, self.root + path, headers=headers, **options)

    def call(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        response = self.send(method, path, **options)
        assert response.status_code == status, response.text
        return response.json() if response.content else None

    def get(self, path: str, **options: Any) -> Any:
        return self.call("GET", path, **options)

    def post(self, path: str, **options: Any) -> Any:
        return self.call("POST", path, **options)

    def put(self, path: str, **options: Any) -> Any:
        return self.call("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> Any:
        return self.call("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Any:
        return self.call("DELETE", path, **options)

    def refused(self, method: str, path: str, status: int, **options: Any) -> tuple[int, str]:
        """Expect Cloudflare to refuse a call; the first error's code and message."""
        error = self.call(method, path, status=status, **options)["errors"][0]
        return error["code"], error["message"]


class FakeEdge:
    """Takes what it is shown; `refuse` is what it raises instead."""

    def __init__(self, view: EdgeView) -> None:
        self._view = view
        self.served: Account = view.account()
        self.refuse: Exception | None = None

    async def refresh(self) -> None:
        """A script's change is served by the next look at it."""

    async def reload(self) -> None:
        if self.refuse:
            raise self.refuse
        self.served = self._view.account()


@contextmanager
def serving(app: ASGIApp, listener: socket.socket | None = None) -> Iterator[httpx.Client]:
    """Serve an application from a thread, on a free port if it is given none; a client for it."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none", lifespan="off"))
    with listener or listen(0, "") as opened:
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([opened])))
        thread.start()
        try:
            url = f"http://127.0.0.1:{opened.getsockname()[1]}"
            with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


@dataclass(frozen=True)
class LocalCloud:
    """A local cloud whose API is served by this process; its edge is a fake."""

    settings: Settings
    cloud: Cloud
    view: EdgeView
    edge: FakeEdge
    client: httpx.Client
    work: list[Callable[[], None]]

    def write(self, work: Callable[[], None]) -> None:
        """Run `work` as a call would: in the server's turn, inside a transaction."""
        self.work.append(work)
        self.client.post("/test/work").raise_for_status()

    @classmethod
    @contextmanager
    def run(
        cls,
        directory: Path,
        *,
        observer: Observer | None = None,
        rate_limits: RateLimits | None = None,
        **settings: Any,
    ) -> Iterator["LocalCloud"]:
        """A new one in `directory`; `observer` sees what it answers."""
        workerd = directory / "workerd"
        workerd.touch()
        listener = listen(0, "")
        made = Settings(
            **{
                "state": directory / "state",
                "api_port": listener.getsockname()[1],
                "edge_port": 2,
                "workerd": workerd,
                "account": "0123456789abcdef0123456789abcdef",
                "workers_subdomain": "overskill",
                "zones": ("overskill.localhost", "example.localhost"),
                "organizations": ("overskill", "overskill-apps"),
                "act": ACT,
                **settings,
            }
        )
        state = StateDirectory(made.state)
        state.acquire()
        cloud = open_cloud(made, state, rate_limits)
        reader = Reader(state.database)
        try:
            view = EdgeView(reader, cloud.vault)
            edge = FakeEdge(view)
            writes, work = Writes(cloud.store, view, edge), []

            async def do_work(_: Request) -> Response:
                await writes.run(work.pop())
                return Response()

            app: ASGIApp = create_app(cloud, writes, [Route("/test/work", do_work, methods=["POST"])])
            with serving(observer.watched(app) if observer else app, listener) as client:
                yield cls(made, cloud, view, edge, client, work)
        finally:
            listener.close()
            reader.close()
            cloud.store.close()
            state.release()
