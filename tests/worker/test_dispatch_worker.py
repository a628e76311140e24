"""The dispatch Worker in the real runtime: the naming contract, and what it answers."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from edge_harness import EMPTY, JS, RunningEdge, bundle, replying, serve

from local_cloud.edge.model import Bundle, Module, Record, Route

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "dispatch_worker" / "src"
CONTRACT = json.loads((ROOT / "contract" / "names.json").read_text())
ZONE = "overskill.localhost"
WORKERS_DEV = "dispatch.overskill.workers.localhost"
ROUTER = """
import { route, scriptEnvironment } from "routing.js";
export default {
  async fetch(request) {
    const { url, script } = await request.json();
    if (url) return Response.json(route(new URL(url), "overskill.com"));
    return Response.json({ environment: scriptEnvironment(script) ?? null });
  },
};
"""
ECHO = """
export default {
  fetch(request) {
    const { method, url, headers } = request;
    return Response.json({ method, url, prefix: headers.get("X-Forwarded-Prefix") });
  },
};
"""
Ask = Callable[[dict[str, str]], dict[str, Any]]


def modules(*names: str) -> tuple[Module, ...]:
    return tuple(Module(name=name, content_type=JS, body=(SOURCE / name).read_bytes()) for name in names)


def dispatch_worker() -> Bundle:
    """The Worker as `infra/` declares it."""
    namespaces = tuple(
        {"type": "dispatch_namespace", "name": f"NAMESPACE_{name.upper()}", "namespace": name}
        for name in ("preview", "production", "staging")
    )
    main, *others = modules("index.js", *(p.name for p in SOURCE.iterdir() if p.name != "index.js"))
    domain = {"type": "plain_text", "name": "DOMAIN", "text": ZONE}
    return bundle("dispatch", main.body.decode(), *others, bindings=(domain, *namespaces))


@pytest.fixture(scope="module")
def ask(workerd_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    router = bundle("router", ROUTER, *modules("routing.js", "reserved.js"))
    account = replace(EMPTY, workers=(router,), workers_dev=frozenset({"router"}))
    with serve(workerd_binary, tmp_path_factory.mktemp("router"), account) as edge:
        yield lambda question: edge.get("router.overskill.workers.localhost", method="POST", json=question).json()


@pytest.mark.parametrize("case", CONTRACT["scripts"], ids=lambda case: case["script"])
def test_script(ask, case):
    assert ask({"script": case["script"]}) == {"environment": case["environment"]}


@pytest.mark.parametrize("name", [name for name in [*CONTRACT["notScripts"], *CONTRACT["reserved"]] if name])
def test_not_a_script(ask, name):
    assert ask({"script": name}) == {"environment": None}


@pytest.mark.parametrize("case", CONTRACT["routes"], ids=lambda case: case["url"])
def test_route(ask, case):
    if "unknown" in case:
        expected = {"kind": "unknown", "name": case["unknown"]}
    elif case["script"] is None:
        expected = {"kind": "none"}
    else:
        expected = {"kind": "app", **{key: case[key] for key in ("script", "environment", "prefix")}}
    assert ask({"url": case["url"]}) == expected


@pytest.fixture(scope="module")
def edge(workerd_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEdge]:
    account = replace(
        EMPTY,
        workers=(dispatch_worker(),),
        workers_dev=frozenset({"dispatch"}),
        zones=(ZONE,),
        records=(Record(zone=ZONE, name=f"*.{ZONE}", type="CNAME", content="dispatch", proxied=True),),
        routes=(Route(zone=ZONE, pattern=f"*.{ZONE}/*", script="dispatch"),),
    )
    scripts = {
        ("production", "abc123"): bundle("abc123", ECHO),
        ("preview", "preview-abc123"): replying("preview-abc123", "the preview"),
        ("staging", "staging-abc123"): replying("staging-abc123", "the staging"),
        ("production", "broken"): bundle("broken", "export default { fetch() { throw new Error('a secret'); } };"),
    }
    with serve(workerd_binary, tmp_path_factory.mktemp("dispatch"), account, scripts) as running:
        yield running


def test_each_environment_is_served_from_its_namespace(edge):
    assert edge.get(f"preview-abc123.{ZONE}").text == "the preview"
    assert edge.get(f"staging-abc123.{ZONE}").text == "the staging"
    assert edge.get(WORKERS_DEV, "/app/preview-abc123/").text == "the preview"


def test_an_app_sees_its_own_path_and_query(edge):
    seen = edge.get(f"abc123.{ZONE}", "/a%2Fb//c?d=e&f=%20", method="PUT").json()
    assert seen == {"method": "PUT", "url": f"http://abc123.{ZONE}:{edge.port}/a%2Fb//c?d=e&f=%20", "prefix": None}


def test_the_path_url_takes_its_prefix_off(edge):
    seen = edge.get(WORKERS_DEV, "/app/abc123/a%2Fb?c=d").json()
    assert seen == {"method": "GET", "url": f"http://{WORKERS_DEV}:{edge.port}/a%2Fb?c=d", "prefix": "/app/abc123"}


def test_the_prefix_is_never_taken_from_outside(edge):
    assert edge.get(f"abc123.{ZONE}", headers={"X-Forwarded-Prefix": "/evil"}).json()["prefix"] is None


def test_the_path_url_without_its_slash_leads_on(edge):
    answer = edge.get(WORKERS_DEV, "/app/abc123?c=d")
    assert (answer.status_code, answer.headers["location"]) == (
        308,
        f"http://{WORKERS_DEV}:{edge.port}/app/abc123/?c=d",
    )


@pytest.mark.parametrize(
    ("host", "path"),
    [(f"nobody.{ZONE}", "/"), (f"www.{ZONE}", "/"), (WORKERS_DEV, "/app/nobody/"), (WORKERS_DEV, "/app/%3Cb%3E/")],
)
def test_no_such_app(edge, host, path):
    answer = edge.get(host, path)
    assert answer.status_code == 404
    assert "No app at this address" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "<b>" not in answer.text


def test_no_app_named(edge):
    answer = edge.get(WORKERS_DEV)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "OverSkill apps live here" in answer.text


def test_an_apps_own_failure_is_not_the_platforms(edge):
    answer = edge.get(f"broken.{ZONE}")
    assert answer.status_code == 500
    assert "This app failed" in answer.text
    assert "a secret" not in answer.text
