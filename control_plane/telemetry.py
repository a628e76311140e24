"""What the control plane tells of itself: figures for Prometheus, and a line in the log for each request.

No label has an app, a name or an address: there are 50,000 apps, and the figures are for everybody who operates them.
"""

import logging
import time
from collections.abc import Iterator

import sqlalchemy as sa
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from control_plane.state import Plane
from control_plane.tables import Delivery, Deployment, Notification, Provision
from control_plane.usage.tables import UsageReading

REQUESTS = Histogram(
    "overskill_request_seconds",
    "From a request to the first byte of its answer.",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 10),
)
DECISIONS = Counter(
    "overskill_broker_decisions", "Calls of deploys, and what the broker made of them.", ["action", "result"]
)
WATCHERS = Gauge("overskill_stream_clients", "Clients that follow the events.")

_log = logging.getLogger("control_plane.requests")


class Measured:
    """Around all routes: each request is counted, and written down by its route, which holds nothing of anybody's."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.monotonic(), 0

        async def measured(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                tell()
            await send(message)

        def tell() -> None:
            route, seconds = _route(scope), time.monotonic() - began
            REQUESTS.labels(scope["method"], route, status).observe(seconds)
            extra = {"method": scope["method"], "route": route, "status": status, "seconds": round(seconds, 4)}
            _log.info("request", extra=extra | {"client": scope["client"] and scope["client"][0]})

        try:
            await self._app(scope, receive, measured)
        except Exception:
            if not status:
                status = 500
                tell()
            raise


class Kept(Collector):
    """What the database tells, at the moment in which somebody asks."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def collect(self) -> Iterator[GaugeMetricFamily]:
        with self._plane.database.reading() as session:
            waiting = sa.select(sa.func.count())
            inbox = session.scalar(waiting.where(Delivery.next_at.is_not(None)))
            outbox = session.scalar(waiting.where(Notification.next_at.is_not(None)))
            deployments = _by_status(Deployment.status)
            provisions = _by_status(Provision.status)
            yield GaugeMetricFamily("overskill_inbox_depth", "Webhooks that are not worked off.", inbox)
            yield GaugeMetricFamily("overskill_outbox_depth", "Events that the builder is not told.", outbox)
            if read_at := session.scalar(sa.select(sa.func.max(UsageReading.read_at))):
                at = read_at.timestamp()
                yield GaugeMetricFamily("overskill_usage_read", "When usage was last read, in Unix time.", at)
            for name, told, query in (
                ("overskill_deployments", "Deployments by how far they are.", deployments),
                ("overskill_provisions", "Provisions by how far they are.", provisions),
            ):
                family = GaugeMetricFamily(name, told, labels=["status"])
                for status, count in session.execute(query):
                    family.add_metric([status], count)
                yield family


def figures(plane: Plane) -> bytes:
    """All of them, as Prometheus reads them."""
    kept = CollectorRegistry()
    kept.register(Kept(plane))
    return generate_latest(REGISTRY) + generate_latest(kept)


def _by_status(status: sa.orm.InstrumentedAttribute[str]) -> sa.Select[tuple[str, int]]:
    return sa.select(status, sa.func.count()).group_by(status)


def _route(scope: Scope) -> str:
    """The route's pattern. What fits none may be anything, a token too."""
    if scope["path"].startswith("/static/"):
        return "/static"
    return getattr(scope.get("route"), "path", "none")
