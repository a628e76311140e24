"""The benchmark of the control plane of a platform on this machine: SQLite, one server."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import httpx
import sqlalchemy as sa

from control_plane import access, operators
from control_plane.database import Database
from control_plane.tables import App, Delivery
from infra.credentials import derived
from overskill import control_plane_records
from overskill.bench.checkout import Checkout
from overskill.bench.control_plane.deliveries import deliveries
from overskill.bench.control_plane.watching import fan_out
from overskill.bench.growth import Growth
from overskill.bench.load import Load, Target
from overskill.bench.result import Goal, result
from overskill.bench.samples import Sample, Spread, percentile
from overskill.control_plane_process import ControlPlane
from overskill.errors import CommandError
from overskill.progress import step
from overskill.project import LOCAL_STACK

APP = "ultrathink"
"""Which `overskill up` makes."""

PAGE_MS = 200.0
TRIES = 5
BATCH = 5000
POLL = 0.1
NUMBERED_FROM = 10**9
"""The copies' repositories: no local cloud comes to that."""

PAGES = ("/", "/?q={app}", "/?state=suspended", f"/apps/{APP}", "/activity", "/audit")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`rounds` of `webhooks`, each beside as many of the least that the server answers; `apps` in the database."""

    webhooks: int
    rounds: int
    at_once: int
    watchers: int
    events: int
    apps: Sequence[int]

    @classmethod
    def of(cls, *, quick: bool) -> "Settings":
        if quick:
            return cls(webhooks=500, rounds=2, at_once=32, watchers=50, events=10, apps=[100, 1000])
        return cls(webhooks=3000, rounds=5, at_once=32, watchers=1000, events=50, apps=[1000, 10_000, 50_000])


@dataclass(frozen=True, kw_only=True)
class Measured:
    """By round the webhooks and the server's `/health`; seconds until each watcher was told; ms of pages by apps."""

    accepted: Sequence[Sample]
    health: Sequence[Sample]
    told: Sequence[float]
    pages: Mapping[int, Mapping[str, float]]


def measure(checkout: Checkout, load: Load, settings: Settings) -> Measured:
    """Raises `CommandError` for any answer that is not the right one."""
    plane = ControlPlane.of(checkout.project, LOCAL_STACK, checkout.project.stack_config(LOCAL_STACK))
    assert plane is not None  # the local stack's control plane is on this machine  # noqa: S101
    url = plane.url.rstrip("/")
    secret = derived((checkout.project.secret_file("webhook-secret")).read_text(), f"webhook:{APP}")
    send = partial(deliveries, url, APP, secret)
    with step(f"{settings.rounds} times {settings.webhooks} webhooks") as running:
        accepted, health = [], []
        for number in range(settings.rounds):
            least = [Target(url=f"{url}/health", host=url.removeprefix("http://"), answer='{"status":"ok"}')]
            health.append(load.once(least * settings.webhooks, concurrency=settings.at_once))
            asked = send(settings.webhooks, 1 + number * settings.webhooks)
            accepted.append(load.once(asked, concurrency=settings.at_once))
        running.detail = f"{Spread.of([one.rate for one in accepted]).median:.0f} a second"
    with control_plane_records.opened(checkout.project, LOCAL_STACK) as database:
        told = _told(database, plane, load, send, settings)
        pages = {apps: _pages(database, url, apps) for apps in settings.apps}
    return Measured(accepted=accepted, health=health, told=told, pages=pages)


def report(found: Measured, settings: Settings, *, quick: bool, versions: Mapping[str, str]) -> dict[str, Any]:
    """The whole result. `ratio` is the rate of webhooks over that of `/health`, in the same rounds."""
    pairs = zip(found.accepted, found.health, strict=True)
    ratios = Spread.of([webhooks.rate / health.rate for webhooks, health in pairs])
    slowest = {apps: max(pages.values()) for apps, pages in found.pages.items()}
    told = sorted(found.told)
    return result(
        "control-plane",
        quick=quick,
        versions=versions,
        settings=settings,
        goals=[
            Goal(name=f"ms of the slowest page, {apps} apps", measured=ms, below=PAGE_MS)
            for apps, ms in slowest.items()
        ],
        ratio=ratios.median,
        ratioOf="webhooks accepted a second over answers of /health, which do nothing",
        webhooks={
            "rate": asdict(Spread.of([one.rate for one in found.accepted])),
            "p50Ms": asdict(Spread.of([one.p50 for one in found.accepted])),
            "p99Ms": asdict(Spread.of([one.p99 for one in found.accepted])),
            "healthRate": asdict(Spread.of([one.rate for one in found.health])),
        },
        fanOut={
            "watchers": settings.watchers,
            "events": settings.events,
            "seconds": {"p50": percentile(told, 50), "p99": percentile(told, 99)},
            "eventsPerSecond": settings.watchers * settings.events / told[-1],
        },
        pagesMs={str(apps): dict(pages) for apps, pages in found.pages.items()},
        growth=[Growth(name="the slowest page", unit="ms", apps=list(slowest), figures=list(slowest.values())).json()],
    )


def _told(database: Database, plane: ControlPlane, load: Load, send: Any, settings: Settings) -> list[float]:
    with database.writing() as session:
        token = access.issue(session, f"bench-{time.time_ns()}", ["events:read"])
    first = 1 + settings.rounds * settings.webhooks
    asked, runs = send(settings.events, first), range(first, first + settings.events)

    async def tell() -> None:
        await asyncio.to_thread(load.once, asked, concurrency=settings.at_once)

    with step(f"{settings.watchers} watchers, {settings.events} events"):
        _worked_off(database)
        try:
            return asyncio.run(fan_out(plane.port, token, settings.watchers, tell, runs))
        except TimeoutError:
            raise CommandError("not all watchers were told of all events in a minute") from None


def _worked_off(database: Database) -> None:
    """Waits until the deliveries so far have led to all that they lead to."""
    waiting = sa.select(sa.func.count()).select_from(Delivery).where(Delivery.done_at.is_(None))
    while True:
        with database.reading() as session:
            if not session.scalar(waiting):
                return
        time.sleep(POLL)


def _pages(database: Database, url: str, apps: int) -> dict[str, float]:
    """The least of some tries, by page: ms until it is there."""
    with step(f"Pages with {apps} apps") as running, httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        _fill(database, apps)
        with database.writing() as session:
            link = operators.login_link(session, "bench", url)
        client.get(link)
        taken = {page: _least(client, page.format(app=f"bench-{apps - 1}")) for page in PAGES}
        running.detail = f"the slowest {max(taken.values()):.0f} ms"
    return taken


def _least(client: httpx.Client, page: str) -> float:
    taken = []
    for _ in range(TRIES):
        began = time.perf_counter()
        client.get(page).raise_for_status()
        taken.append((time.perf_counter() - began) * 1000)
    return min(taken)


def _fill(database: Database, apps: int) -> None:
    """As many apps as that, copies of the first but for their names."""
    with database.reading() as session:
        (first,) = session.execute(sa.select(App.__table__).where(App.id == APP)).mappings()
        there = session.scalar(sa.select(sa.func.count()).select_from(App)) or 0
    for begin in range(there, apps, BATCH):
        batch = range(begin, min(begin + BATCH, apps))
        with database.writing() as session:
            session.execute(sa.insert(App), [_copy(first, number) for number in batch])


def _copy(first: Mapping[str, Any], number: int) -> dict[str, Any]:
    name = f"bench-{number}"
    return {**first, "id": name, "repository": name, "repository_id": NUMBERED_FROM + number, "search": name}
