"""What Workers read and write through their bindings: KV, R2, D1 and Analytics Engine, private to the edge.

workerd asks in its own protocols, at hosts of its own, and of a service that the configuration names: the edge has it
send the token, and a header that names what is asked (`edge/resources.py`). Reads see what is committed and wait for
nothing; a write is one transaction among the others.
"""

from collections.abc import Iterable, Mapping

from starlette.routing import Host, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from local_cloud.d1 import Databases
from local_cloud.edge.resources import D1_HOST, KV_HEADER, R2_HEADER, WORKERD_HOST
from local_cloud.edge.source import edge_only
from local_cloud.edge_data import analytics, d1, kv, r2
from local_cloud.store import Reader, Store
from local_cloud.writes import Writes


def data_routes(reader: Reader, store: Store, databases: Databases, writes: Writes, token: str) -> list[Host]:
    """The routes of the bindings, open to bearers of `token` alone; 401 for everybody else."""

    def guarded(routes: Iterable[Route]) -> Router:
        return Router([Route(one.path, edge_only(token, one.endpoint), methods=one.methods) for one in routes])

    kinds = {
        KV_HEADER: guarded(kv.routes(reader, store, writes)),
        R2_HEADER: guarded(r2.routes(reader, store, writes)),
    }
    at_workerd = _by_header(kinds, guarded(analytics.routes(store, writes)))
    return [Host(WORKERD_HOST, at_workerd), Host(D1_HOST, guarded(d1.routes(reader, databases, writes)))]


def _by_header(kinds: Mapping[str, ASGIApp], otherwise: ASGIApp) -> ASGIApp:
    """What is asked has the same paths, whatever kind it is."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        names = {name.decode("latin-1") for name, _ in scope["headers"]}
        chosen = next((kind for header, kind in kinds.items() if header in names), otherwise)
        await chosen(scope, receive, send)

    return app
