"""A known load through the real edge: what each app is said to have used is what was sent, and shares add up."""

import datetime as dt
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from contract_process import ACCOUNT, Process, running
from contract_service import JAVASCRIPT

from control_plane.cost.prices import CENT
from control_plane.cost.report import report
from control_plane.database import Database
from control_plane.migration import migrate
from control_plane.tables import App
from control_plane.usage import reading
from control_plane.usage.analytics import AnalyticsApi
from control_plane.usage.collector import Collector
from control_plane.usage.coverage import coverage
from control_plane.usage.dispatched import HOUR
from control_plane.usage.months import Month
from control_plane.usage.tables import NO_APP
from infra.dispatcher import OUTBOUND_PARAMETERS
from overskill.bench.dispatch_worker import COMPATIBILITY_DATE, DOMAIN, NAMESPACES, modules, values

ROOT = Path(__file__).parents[2]
CF = f"/client/v4/accounts/{ACCOUNT}"
PAGE = "x" * 1234
SERVES = f"""export default {{ async fetch(request) {{
  await request.text();
  if (new URL(request.url).pathname === "/throw") throw new Error("as asked");
  return new Response("{PAGE}");
}} }};"""
PLATFORM = SimpleNamespace(
    account_id=ACCOUNT,
    namespaces={environment: environment for environment in NAMESPACES},
    origins=SimpleNamespace(worker="overskill-dispatch"),
    usage_dataset="usage",
)


@dataclass(frozen=True)
class Sent:
    """A request to a script's host, so many times; `body` bytes go along with each."""

    script: str
    times: int
    path: str = "/"
    body: int = 0


class Platform:
    """A dispatch Worker and its namespaces on a local cloud, and a control plane's database that knows its apps."""

    def __init__(self, process: Process, folder: Path) -> None:
        self.process = process
        self.database = Database(f"sqlite:///{folder / 'control-plane.db'}")
        migrate(self.database)
        for environment in NAMESPACES:
            process.api("POST", f"{CF}/workers/dispatch/namespaces", json={"name": environment})
        store = process.api("POST", f"{CF}/storage/kv/namespaces", json={"title": "apps"}).json()["result"]["id"]
        usage = {"type": "analytics_engine", "name": "USAGE", "dataset": PLATFORM.usage_dataset}
        outbound = {"worker": {"service": "outbound"}, "params": [{"name": name} for name in OUTBOUND_PARAMETERS]}
        self.upload(
            "workers/scripts/outbound",
            modules(ROOT / "outbound_worker" / "src"),
            usage,
            {"type": "plain_text", "name": "DEFAULT_PLAN", "text": "free"},
            {"type": "json", "name": "EGRESS", "json": {"free": {"mode": "observe", "allow": []}}},
        )
        self.upload(
            f"workers/scripts/{PLATFORM.origins.worker}",
            modules(ROOT / "dispatch_worker" / "src"),
            usage,
            {"type": "kv_namespace", "name": "APPS", "namespace_id": store},
            *({"type": "json", "name": name, "json": value} for name, value in values().items()),
            *(
                {"type": "dispatch_namespace", "name": name, "namespace": environment, "outbound": outbound}
                for environment, name in NAMESPACES.items()
            ),
        )
        (zone,) = process.api("GET", "/client/v4/zones", params={"name": DOMAIN}).json()["result"]
        record = {"type": "AAAA", "name": f"*.{DOMAIN}", "content": "100::", "proxied": True, "ttl": 1}
        process.api("POST", f"/client/v4/zones/{zone['id']}/dns_records", json=record)
        route = {"pattern": f"*.{DOMAIN}/*", "script": PLATFORM.origins.worker}
        process.api("POST", f"/client/v4/zones/{zone['id']}/workers/routes", json=route)

    def upload(self, path: str, files: list[Path], *bindings: Mapping[str, object]) -> None:
        contents = {file.name: file.read_text() for file in files}
        self._put(path, contents, bindings)

    def add(self, scripts: Mapping[str, str]) -> None:
        """Scripts by name, each in an app environment; their apps are known."""
        for script, environment in scripts.items():
            self._put(f"workers/dispatch/namespaces/{environment}/scripts/{script}", {"index.js": SERVES}, ())
        now = dt.datetime.now(dt.UTC)
        with self.database.writing() as session:
            for number, app in enumerate(
                sorted(name for name, environment in scripts.items() if environment == "production")
            ):
                made = {
                    "created_at": now,
                    "updated_at": now,
                    "declared": {},
                    "state": "active",
                    "repository_id": number,
                }
                session.add(App(id=app, display_name=app, plan="free", repository=f"apps/{app}", **made))

    def send(self, load: list[Sent]) -> None:
        """All of it, from many clients at once, in no order."""
        requests = [sent for sent in load for _ in range(sent.times)]
        with httpx.Client(base_url=self.process.edge_url, trust_env=False, timeout=60) as client:

            def once(sent: Sent) -> None:
                content, method = b"y" * sent.body, "POST" if sent.body else "GET"
                client.request(method, sent.path, content=content, headers={"Host": f"{sent.script}.{DOMAIN}"})

            with ThreadPoolExecutor(8) as pool:
                list(pool.map(once, requests))

    def collect(self) -> None:
        token = self.process.authorization("cloudflare")["Authorization"].removeprefix("Bearer ")
        with AnalyticsApi(token, f"{self.process.url}/client/v4") as api:
            now = dt.datetime.now(dt.UTC)
            list(Collector(api, self.database, PLATFORM).collect(now, now - HOUR))

    def used(self) -> dict[str, reading.Usage]:
        today = dt.datetime.now(dt.UTC).date()
        with self.database.reading() as session:
            return reading.by_app(session, [today - dt.timedelta(days=1), today])

    def _put(self, path: str, contents: Mapping[str, str], bindings: object) -> None:
        metadata = {"main_module": "index.js", "compatibility_date": COMPATIBILITY_DATE, "bindings": list(bindings)}
        parts = [("metadata", (None, json.dumps(metadata), "application/json"))]
        parts += [(name, (name, text, JAVASCRIPT)) for name, text in contents.items()]
        self.process.api("PUT", f"{CF}/{path}", files=parts)


@pytest.fixture
def platform(workerd: Path, tmp_path: Path) -> Iterator[Platform]:
    with running(tmp_path / "state", workerd, resident_apps=1200) as process:
        made = Platform(process, tmp_path)
        yield made
        made.database.close()


def check(platform: Platform, load: list[Sent]) -> None:
    """What was sent is what each app has used, and the shares of it are the bill."""
    sent: dict[str, Counter[str]] = {}
    for one in load:
        app = NO_APP if one.script == "nobody" else one.script.removeprefix("preview-").removesuffix("-pr7")
        figures = sent.setdefault(app, Counter())
        figures["requests"] += one.times
        figures["bytes_in"] += one.times * one.body
        figures["errors"] += one.times * (one.path == "/throw")
        figures["dispatched"] += one.times * (app != NO_APP)
        figures["bytes_out"] += one.times * len(PAGE) * (app != NO_APP and one.path != "/throw")
    deadline = time.monotonic() + 60
    while True:
        platform.collect()
        used = platform.used()
        dispatched = sum(figures["dispatched"] for figures in sent.values())
        # Each of the two sources is late in its own way.
        if (
            sum(one.requests for one in used.values()) >= sum(one.times for one in load)
            and sum(one.invocations for one in used.values()) >= dispatched
        ):
            break
        assert time.monotonic() < deadline, used
        time.sleep(0.2)
    exact = ("requests", "dispatched", "errors", "bytes_in")
    assert {app: {name: getattr(one, name) for name in exact} for app, one in used.items()} == {
        app: {name: figures[name] for name in exact} for app, figures in sent.items()
    }
    served = {app: one for app, one in used.items() if app != NO_APP and not sent[app]["errors"]}
    assert {app: one.bytes_out for app, one in served.items()} == {app: sent[app]["bytes_out"] for app in served}
    assert {app: one.invocations for app, one in used.items()} == {app: one.dispatched for app, one in used.items()}
    now = dt.datetime.now(dt.UTC)
    hour = now.replace(minute=0, second=0, microsecond=0)
    with platform.database.reading() as session:
        known = coverage(session, hour - HOUR, hour + HOUR)
        found = report(session, Month.of(now), now)
    assert (known.sample_interval, known.differing, known.gaps) == (1, (), ())
    assert sum(row.total for row in found.rows) == found.bill.total
    assert found.bill.total % CENT == 0
    assert found.bill.line("scripts").amount > 0


def test_each_app_has_used_what_was_sent(platform):
    scripts = {f"app{n}": "production" for n in range(4)} | {"preview-app0": "preview", "preview-app0-pr7": "preview"}
    platform.add(scripts)
    load = [
        *(Sent(f"app{n}", 5 + n) for n in range(4)),
        Sent("app1", 3, body=700),
        Sent("app2", 2, "/throw"),
        Sent("preview-app0", 4),
        Sent("preview-app0-pr7", 6),
        Sent("nobody", 5),
    ]
    platform.send(load)
    check(platform, load)
    platform.send(load)
    check(platform, [*load, *load])


@pytest.mark.slow
def test_each_of_a_thousand_apps_has_used_what_was_sent(platform):
    """And a second collection of the same hours changes nothing."""
    apps = [f"app{n}" for n in range(1000)]
    platform.add(dict.fromkeys(apps, "production"))
    load = [Sent(app, 1 + n % 9, body=(n % 5) * 100) for n, app in enumerate(apps)]
    platform.send(load)
    check(platform, load)
    check(platform, load)
