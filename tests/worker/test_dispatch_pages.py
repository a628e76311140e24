"""What the dispatch Worker answers in an app's place: pages, states of apps, and failures told apart."""

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from dispatch_harness import PAGE, AppStore, Platform, dispatching, echo
from edge_harness import RunningEdge, bundle

PLAIN = Platform()
ZONE, WORKERS_DEV = PLAIN.domain, PLAIN.path_host
BROKEN_KV = Platform(
    name="broken-kv",
    domain="broken-kv.localhost",
    bindings=[{"name": "APPS", "type": "service", "service": "broken-store"}],
)
SILENT_KV = Platform(
    name="silent-kv",
    domain="silent-kv.localhost",
    settings={"cacheSeconds": 5},
    bindings=[{"name": "APPS", "type": "service", "service": "silent-store"}],
)
MISBOUND = Platform(
    name="misbound",
    domain="misbound.localhost",
    bindings=[{"name": "NAMESPACE_PRODUCTION", "type": "plain_text", "text": "no namespace"}],
)
STORE = """
import { WorkerEntrypoint } from "cloudflare:workers";
export default class extends WorkerEntrypoint { get() { GET } }
"""
THROWING = """
let calls = 0;
export default {
  fetch(request) {
    if (new URL(request.url).pathname === "/calls") return new Response(String(calls));
    calls += 1;
    throw new RangeError("a secret of the app");
  },
};
"""
VERBOSE = 'export default { fetch() { throw new Error("\\ud83d€".repeat(1_000_000)); } };'
GREEDY = """
export default {
  async fetch() {
    for (let call = 0; call < 100; call += 1) await fetch("https://x.allowed.example/").catch((error) => {
      if (error.message.startsWith("Too many")) throw error;
    });
    return new Response("enough");
  },
};
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> AppStore:
    store = AppStore(tmp_path_factory.mktemp("store") / "cloud.sqlite3", "apps")
    store.put("app:young", {"plan": "free"})
    store.put("state:odd-state", {"state": "<b>"})
    store.put("state:broken-state", b"{")
    return store


@pytest.fixture(scope="module")
def edge(workerd_binary: Path, tmp_path_factory: pytest.TempPathFactory, store: AppStore) -> Iterator[RunningEdge]:
    stores = [
        bundle("broken-store", STORE.replace("GET", 'throw new Error("KV is down");')),
        bundle("silent-store", STORE.replace("GET", "return new Promise(() => {});")),
    ]
    scripts = {
        **{("production", app): echo(app) for app in ("abc123", "halted", "odd-state", "broken-state")},
        ("preview", "preview-halted"): echo("preview-halted"),
        ("production", "throwing"): bundle("throwing", THROWING),
        ("production", "verbose"): bundle("verbose", VERBOSE),
        ("production", "greedy"): bundle("greedy", GREEDY),
        ("production", "looping"): bundle("looping", "export default { fetch() { for (;;); } };"),
        ("production", "unparsable"): bundle("unparsable", "export default {"),
    }
    platforms = [PLAIN, BROKEN_KV, SILENT_KV, MISBOUND]
    directory = tmp_path_factory.mktemp("dispatch")
    with dispatching(workerd_binary, directory, platforms, scripts, store=store, workers=stores) as running:
        yield running


def code(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


def test_the_landing_page_where_no_script_is_named(edge):
    for host in (WORKERS_DEV, ZONE):
        answer = edge.get(host, headers=PAGE)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "OverSkill apps live here" in answer.text


def test_the_health_probe(edge):
    assert code(edge.get(WORKERS_DEV, "/healthz")) == (200, "healthy")


def test_a_page_is_whole_in_itself_and_says_which_request_it_was(edge):
    answer = edge.get(f"nobody.{ZONE}", "/<script>?'\"&", headers=PAGE)
    assert answer.status_code == 404
    assert "No app at this address" in answer.text
    assert re.search(r"(src|href)=|url\(|@import|<script", answer.text) is None
    assert re.fullmatch(r"[0-9a-f]{16}-LOC", answer.headers["x-request-id"])
    assert answer.headers["x-request-id"] in answer.text
    assert {answer.headers[name] for name in ("cache-control", "x-robots-tag")} == {"no-store", "noindex"}
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_program_gets_a_problem(edge):
    answer = edge.get(f"nobody.{ZONE}")
    problem = answer.json()
    assert problem.pop("requestId") == answer.headers["x-request-id"]
    assert problem == {
        "type": "about:blank",
        "title": "No app at this address",
        "status": 404,
        "detail": "Check the address, or ask whoever sent it to you.",
        "code": "no-app",
    }
    assert answer.headers["vary"] == "Accept"


def test_a_page_has_no_body_for_head(edge):
    answer = edge.get(f"nobody.{ZONE}", method="HEAD", headers=PAGE)
    assert (answer.status_code, answer.content) == (404, b"")


def test_an_app_that_is_declared_and_has_no_script_yet_is_being_built(edge):
    answer = edge.get(f"young.{ZONE}", headers=PAGE)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert "This app is being built" in answer.text
    assert '<meta http-equiv="refresh" content="10">' in answer.text
    assert code(edge.get(f"preview-young.{ZONE}")) == (503, "building")
    assert code(edge.get(f"preview-young-pr7.{ZONE}")) == (404, "no-app")


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("suspended", (403, None, "This app is suspended")),
        ("over-quota", (429, "3600", "This app takes a break")),
        ("legal", (451, None, "Unavailable for legal reasons")),
        ("maintenance", (503, "300", "Back soon")),
    ],
)
def test_a_state_shows_within_the_cache_time_and_so_does_its_end(edge, store, state, shown):
    status, retry_after, title = shown
    assert edge.get(f"halted.{ZONE}").status_code == 200
    store.put("state:halted", {"state": state, "reason": "a secret of ours"})
    became(edge, status)
    answer = edge.get(f"halted.{ZONE}", headers=PAGE)
    assert title in answer.text
    assert "a secret of ours" not in answer.text + str(answer.headers)
    assert answer.headers.get("retry-after") == retry_after
    assert code(edge.get(WORKERS_DEV, "/app/preview-halted/")) == (status, state)
    store.put("state:halted", None)
    became(edge, 200)


def became(edge: RunningEdge, status: int) -> None:
    """Wait until the app answers so: for a second, the cache time, and more only where KV was silent for as long."""
    deadline = time.monotonic() + 10
    while edge.get(f"halted.{ZONE}").status_code != status:
        assert time.monotonic() < deadline


def test_a_state_that_ends_says_when(edge, store):
    until = datetime.now(UTC) + timedelta(seconds=90)
    store.put("state:halted", {"state": "maintenance", "until": until.isoformat()})
    became(edge, 503)
    assert 80 < int(edge.get(f"halted.{ZONE}").headers["retry-after"]) <= 90
    store.put("state:halted", None)
    became(edge, 200)


@pytest.mark.parametrize("app", ["odd-state", "broken-state"])
def test_a_state_that_says_nothing_takes_no_app_down(edge, app):
    assert edge.get(f"{app}.{ZONE}").json()["app"] == app


def test_apps_are_served_while_kv_fails(edge):
    for platform in (BROKEN_KV, SILENT_KV):
        assert edge.get(f"abc123.{platform.domain}").json()["app"] == "abc123"


def test_a_silent_kv_is_asked_once_in_the_cache_time(edge):
    edge.get(f"abc123.{SILENT_KV.domain}")
    start = time.monotonic()
    edge.get(f"abc123.{SILENT_KV.domain}")
    assert time.monotonic() - start < 0.9


def test_no_such_script(edge):
    assert code(edge.get(f"nobody.{ZONE}")) == (404, "no-app")


def test_a_script_that_throws_is_called_once_and_shows_nothing(edge):
    before = int(edge.get(f"throwing.{ZONE}", "/calls").text)
    answer = edge.get(f"throwing.{ZONE}", method="POST", content="x")
    assert code(answer) == (500, "app-exception")
    assert "secret" not in answer.text + str(answer.headers)
    assert "This app failed" in edge.get(f"throwing.{ZONE}", headers=PAGE).text
    assert int(edge.get(f"throwing.{ZONE}", "/calls").text) == before + 2
    assert edge.get(f"abc123.{ZONE}").status_code == 200


def test_a_script_that_throws_changes_nothing(edge, store):
    before = kept(store)
    assert before
    assert edge.get(f"throwing.{ZONE}", method="POST", content="x").status_code == 500
    store.points(PLAIN.name, "throwing", 1)
    assert kept(store) == before


def kept(store: AppStore) -> list[tuple[str, ...]]:
    """All that the local cloud keeps, besides what it observes of calls."""
    observed = ("data_points", "datasets", "invocations", "logs")
    with closing(sqlite3.connect(store.path)) as connection:
        rows = connection.execute("SELECT collection, scope, key, value FROM documents ORDER BY 1, 2, 3").fetchall()
    return [row for row in rows if row[0] not in observed]


def test_a_script_that_throws_a_megabyte_has_failed_itself(edge):
    assert code(edge.get(f"verbose.{ZONE}")) == (500, "app-exception")


def test_a_script_whose_code_does_not_start_has_failed_itself(edge):
    assert code(edge.get(f"unparsable.{ZONE}")) == (500, "app-exception")


def test_a_script_with_too_many_subrequests_is_over_its_limit(edge):
    assert code(edge.get(f"greedy.{ZONE}")) == (503, "app-limit")


def test_a_script_that_takes_too_long_is_over_its_limit(edge):
    assert code(edge.get(f"looping.{ZONE}")) == (503, "app-limit")
    assert edge.get(f"abc123.{ZONE}").status_code == 200


def test_a_namespace_that_is_missing_is_not_a_missing_app(edge):
    edge.state.deleted_namespaces.add("preview")
    try:
        assert code(edge.get(f"preview-abc123.{ZONE}")) == (503, "no-namespace")
        assert code(edge.get(f"nobody.{ZONE}")) == (404, "no-app")
    finally:
        edge.state.deleted_namespaces.clear()


def test_a_fault_of_the_platform_is_not_the_apps(edge):
    assert code(edge.get(f"abc123.{MISBOUND.domain}")) == (500, "platform-fault")
    assert "on our side" in edge.get(f"abc123.{MISBOUND.domain}", headers=PAGE).text
