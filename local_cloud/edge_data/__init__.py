"""What Workers read and write through their bindings: KV, R2, D1 and Analytics Engine, private to the edge.

workerd asks in its own protocols, at hosts of its own, and of a service that the configuration names: the edge has it
send the token, and a header that names what is asked (`edge/resources.py`). Data points come from `edge/dataset.js`.
Reads see what is committed and wait for nothing; a write is one transaction among the others.
"""

from collections.abc import Iterable

from starlette.routing import BaseRoute, Host, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from local_cloud.d1 import Databases
from local_cloud.edge.resources import D1_HOST, R2_HEADER, WORKERD_HOST
from local_cloud.edge.source import edge_only
from local_cloud.edge_data import analytics, d1, kv, r2
from local_cloud.store import Reader, Store
from local_cloud.writes import Writes


def data_routes(reader: Reader, store: Store, databases: Databases, writes: Writes, token: str) -> list[BaseRoute]:
    """The routes of the bindings, open to bearers of `token` alone; 401 for everybody else."""

    def guarded(routes: Iterable[Route]) -> list[Route]:
        return [Route(one.path, edge_only(token, one.endpoint), methods=one.methods) for one in routes]

    kv_or_r2 = _by_header(
        Router(guarded(kv.routes(reader, store, writes))), Router(guarded(r2.routes(reader, store, writes)))
    )
    return [
        Host(WORKERD_HOST, kv_or_r2),
        Host(D1_HOST, Router(guarded(d1.routes(reader, databases, writes)))),
        *guarded(analytics.routes(store, writes)),
    ]


def _by_header(of_kv: ASGIApp, of_r2: ASGIApp) -> ASGIApp:
    """What is asked has the same paths, whichever it is."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        names = {name.decode("latin-1") for name, _ in scope["headers"]}
        await (of_r2 if R2_HEADER in names else of_kv)(scope, receive, send)

    return app
