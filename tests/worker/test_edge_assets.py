"""Static assets in the real runtime: what Cloudflare's own Workers make of a manifest, a configuration and an app."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from edge_harness import EMPTY, JS, RunningEdge, bundle, serve

from local_cloud import edge
from local_cloud.cloudflare.asset_rules import headers, redirects, static_routing
from local_cloud.cloudflare.script_assets import manifest
from local_cloud.edge.asset_workers import MissingAssetWorkersError, asset_workers
from local_cloud.edge.model import Bundle, Module

SITE = """
import { AssetServer } from "assets.js";
import site from "site.json";

const source = {
  async fetch(url) {
    const [type, body] = site.files[url.split("/").at(-1)];
    return new Response(new TextEncoder().encode(body), { headers: type ? { "content-type": type } : {} });
  },
};
const server = new AssetServer(site.assets, source);
const app = {
  async fetch(request) {
    const asset = await server.fetchAsset(new Request("http://assets/about"), ctx);
    return new Response(`app ${new URL(request.url).pathname} ${await request.text()}${await asset.text()}`);
  },
};
let ctx;

export default {
  fetch(request, env, context) {
    ctx = context;
    return server.fetch(request, context, site.app ? app : undefined);
  },
};
"""
PAGES = {
    "/index.html": "home",
    "/about.html": "about",
    "/docs/index.html": "docs",
    "/404.html": "lost",
    "/style.css": "css",
    "/über uns.txt": "unicode",
    "/plain": "no type",
}
TYPES = {"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "txt": "text/plain; charset=utf-8"}
SPA = {"not_found_handling": "single-page-application", "compatibility_date": "2026-01-01"}
RULES = {
    "_redirects": "/old /about 301\n/blog/* /docs/:splat\n/in https://example.com/x?y=1 308\n/kept /style.css 200",
    "_headers": "/*\n  X-All: 1\n/style.css\n  Cache-Control: max-age=60\n  ! ETag",
}


def digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:32]


def site(
    name: str,
    workers: Mapping[str, str],
    pages: Mapping[str, str] = PAGES,
    *,
    app: bool = False,
    worker: Mapping[str, Any] | None = None,
    router: Mapping[str, Any] | None = None,
) -> Bundle:
    """A Worker that serves `pages` as an app's edge would."""
    described = {
        "app": app,
        "files": {digest(body): [TYPES.get(path.rpartition(".")[2]), body] for path, body in pages.items()},
        "assets": {
            "namespace": "n",
            "manifest": base64.b64encode(manifest({path: digest(body) for path, body in pages.items()})).decode(),
            "worker": worker or {},
            "router": {"has_user_worker": app, **(router or {})},
        },
    }
    own = files(edge.__name__).joinpath("assets.js").read_bytes()
    modules = [Module(name=module, content_type=JS, body=source.encode()) for module, source in workers.items()]
    modules += [
        Module(name="assets.js", content_type=JS, body=own),
        Module(name="site.json", content_type="application/json", body=json.dumps(described).encode()),
    ]
    return bundle(name, SITE, *modules)


@pytest.fixture(scope="module")
def served(workerd_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEdge]:
    workers = asset_workers(workerd_binary)
    routing = static_routing(["/api/*", "!/api/style.css"])
    rules = {"redirects": redirects(RULES["_redirects"], None), "headers": headers(RULES["_headers"])}
    sites = [
        site("auto", workers),
        site("force", workers, worker={"html_handling": "force-trailing-slash"}),
        site("drop", workers, worker={"html_handling": "drop-trailing-slash"}),
        site("none", workers, worker={"html_handling": "none"}),
        site("lost", workers, worker={"not_found_handling": "404-page"}),
        site("spa", workers, worker=SPA),
        site("app", workers, app=True),
        site("spa-app", workers, worker=SPA, app=True),
        site("first", workers, router={"invoke_user_worker_ahead_of_assets": True}, app=True),
        site(
            "patterns",
            workers,
            {**PAGES, "/api/style.css": "api css", "/api/data": "never"},
            worker={"has_static_routing": True},
            router={"static_routing": routing},
            app=True,
        ),
        site("rules", workers, worker=rules),
        site("based", workers, worker={"base_path": "/app"}),
        site("many", workers, {f"/page-{number}.html": f"page {number}" for number in range(2000)}),
    ]
    names = frozenset(one.name for one in sites)
    account = replace(EMPTY, workers=tuple(sites), workers_dev=names)
    with serve(workerd_binary, tmp_path_factory.mktemp("assets"), account) as running:
        yield running


def get(served: RunningEdge, name: str, path: str, **options: Any) -> Any:
    return served.get(f"{name}.overskill.workers.localhost", path, **options)


@pytest.mark.parametrize(
    ("mode", "path", "answer"),
    [
        ("auto", "/", "home"),
        ("auto", "/about", "about"),
        ("auto", "/about.html", "/about"),
        ("auto", "/about/", "/about"),
        ("auto", "/docs", "/docs/"),
        ("auto", "/docs/", "docs"),
        ("auto", "/docs/index.html?a=1", "/docs/?a=1"),
        ("force", "/about", "/about/"),
        ("force", "/about/", "about"),
        ("drop", "/docs/", "/docs"),
        ("drop", "/docs", "docs"),
        ("none", "/about.html", "about"),
        ("none", "/about", 404),
        ("none", "/", 404),
        ("auto", "/%C3%BCber%20uns.txt", "unicode"),
        ("auto", "/gone", 404),
        ("based", "/app/about", "about"),
        ("based", "/about", 404),
    ],
)
def test_html_handling(served: RunningEdge, mode: str, path: str, answer: str | int) -> None:
    """`answer`: the body, where a redirect leads, or the status."""
    found = get(served, mode, path)
    if isinstance(answer, int):
        assert found.status_code == answer
    elif answer.startswith("/"):
        assert (found.status_code, found.headers["location"]) == (307, answer)
    else:
        assert (found.status_code, found.text) == (200, answer)


def test_content_types_and_etags(served: RunningEdge) -> None:
    found = get(served, "auto", "/style.css")
    assert found.headers["content-type"] == "text/css; charset=utf-8"
    assert found.headers["etag"] == f'"{digest("css")}"'
    assert found.headers["cache-control"] == "public, max-age=0, must-revalidate"
    assert "content-type" not in get(served, "auto", "/plain").headers
    unchanged = get(served, "auto", "/style.css", headers={"if-none-match": found.headers["etag"]})
    assert (unchanged.status_code, unchanged.text) == (304, "")
    head = get(served, "auto", "/style.css", method="HEAD")
    assert (head.status_code, head.text, head.headers["etag"]) == (200, "", found.headers["etag"])
    assert get(served, "auto", "/style.css", method="POST").status_code == 405


def test_a_missing_page(served: RunningEdge) -> None:
    lost = get(served, "lost", "/gone")
    assert (lost.status_code, lost.text, lost.headers["content-type"]) == (404, "lost", TYPES["html"])
    assert (get(served, "spa", "/deep/link").status_code, get(served, "spa", "/deep/link").text) == (200, "home")


def test_an_app_answers_where_no_asset_does(served: RunningEdge) -> None:
    assert get(served, "app", "/style.css").text == "css"
    assert get(served, "app", "/gone").text == "app /gone about"
    assert get(served, "app", "/form", method="POST", content="sent ").text == "app /form sent about"


def test_a_navigation_gets_the_single_page_and_anything_else_the_app(served: RunningEdge) -> None:
    assert get(served, "spa-app", "/link", headers={"sec-fetch-mode": "navigate"}).text == "home"
    assert get(served, "spa-app", "/link", headers={"sec-fetch-mode": "cors"}).text == "app /link about"


def test_the_app_runs_first_if_it_is_to(served: RunningEdge) -> None:
    assert get(served, "first", "/style.css").text == "app /style.css about"
    assert get(served, "patterns", "/api/data").text == "app /api/data about"
    assert get(served, "patterns", "/api/style.css").text == "api css"
    assert get(served, "patterns", "/style.css").text == "css"


@pytest.mark.parametrize(
    ("path", "status", "location"),
    [
        ("/old", 301, "/about"),
        ("/blog/a/b", 302, "/docs/a/b"),
        ("/in", 308, "https://example.com/x?y=1"),
        ("/kept", 200, None),
    ],
)
def test_redirects(served: RunningEdge, path: str, status: int, location: str | None) -> None:
    found = get(served, "rules", path)
    assert (found.status_code, found.headers.get("location")) == (status, location)
    assert found.headers["x-all"] == "1"


def test_headers(served: RunningEdge) -> None:
    found = get(served, "rules", "/style.css")
    assert (found.headers["cache-control"], found.headers["x-all"]) == ("max-age=60", "1")
    assert "etag" not in found.headers


def test_two_thousand_files(served: RunningEdge) -> None:
    for number in (0, 1, 999, 1998, 1999):
        assert get(served, "many", f"/page-{number}").text == f"page {number}"
    assert get(served, "many", "/page-2000").status_code == 404


def test_without_miniflare_there_are_no_asset_workers(tmp_path: Path) -> None:
    with pytest.raises(MissingAssetWorkersError, match="no node_modules above it"):
        asset_workers(tmp_path / "workerd")
