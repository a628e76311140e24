"""The HTTP call by which the edge gets a namespace's scripts."""

import asyncio
from dataclasses import replace

import httpx
import pytest
from starlette.applications import Starlette

from local_cloud.edge import source_routes
from local_cloud.edge.model import Account, Asset, Assets, Bundle, Module

TOKEN = "the-token"
APP = Bundle(
    name="app",
    main_module="index.js",
    modules=(
        Module(name="index.js", content_type="application/javascript+module", body="'é'".encode()),
        Module(name="value.json", content_type="application/json", body=b'{"a": 1}'),
        Module(name="empty.wasm", content_type="application/wasm", body=b"\0asm"),
    ),
    compatibility_date="2026-01-01",
    compatibility_flags=("nodejs_compat",),
    bindings=(
        {"type": "secret_text", "name": "S", "text": "hidden"},
        {"type": "json", "name": "J", "json": [1]},
        {"type": "service", "name": "OTHER", "service": "other"},
    ),
    version="abc",
)
BROKEN = replace(APP, bindings=({"type": "queue", "name": "Q"}, {"type": "hyperdrive", "name": "H"}))

UNTYPED = Asset(content_type=None, body=b"")
SITE = replace(
    APP,
    main_module=None,
    modules=(),
    bindings=({"type": "assets", "name": "ASSETS"},),
    assets=Assets(namespace="id", manifest=b"\0", worker={"html_handling": "none"}, router={"has_user_worker": False}),
)


class OneNamespace:
    def account(self) -> Account:
        raise AssertionError("the source serves scripts alone")

    def has_namespace(self, namespace: str) -> bool:
        return namespace == "dev-preview"

    def namespace_script(self, namespace: str, name: str) -> Bundle | None:
        return {("dev-preview", "app"): APP, ("dev-preview", "broken"): BROKEN, ("dev-preview", "site"): SITE}.get(
            (namespace, name)
        )

    def asset(self, namespace: str, content_hash: str) -> Asset | None:
        return {("id", "aa"): Asset(content_type="text/css", body=b"css"), ("id", "bb"): UNTYPED}.get(
            (namespace, content_hash)
        )


def get(path: str, headers: dict[str, str | bytes] | None = None) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(Starlette(routes=source_routes(OneNamespace(), TOKEN)))
        async with httpx.AsyncClient(transport=transport, base_url="http://source") as client:
            return await client.get(path, headers={"authorization": f"Bearer {TOKEN}"} if headers is None else headers)

    return asyncio.run(ask())


def test_a_script_comes_as_the_process_of_the_apps_takes_it() -> None:
    answer = get("/_edge/namespaces/dev-preview/scripts/app")
    assert (answer.status_code, answer.headers["etag"]) == (200, '"abc"')
    assert answer.json() == {
        "compatibilityDate": "2026-01-01",
        "compatibilityFlags": ["nodejs_compat"],
        "mainModule": "index.js",
        "trusted": False,
        "assets": None,
        "modules": {"index.js": {"js": "'é'"}, "value.json": {"json": {"a": 1}}, "empty.wasm": {"wasm": "AGFzbQ=="}},
        "script": "app",
        "env": {"S": "hidden", "J": [1]},
        "bindings": {"OTHER": {"entrypoint": "Service", "props": {"service": "other"}}},
    }


@pytest.mark.parametrize(("version", "status"), [('"abc"', 304), ('"old"', 200)])
def test_a_version_that_is_known_is_not_sent_again(version: str, status: int) -> None:
    headers = {"authorization": f"Bearer {TOKEN}", "if-none-match": version}
    answer = get("/_edge/namespaces/dev-preview/scripts/app", headers)
    assert (answer.status_code, answer.headers["etag"]) == (status, '"abc"')
    assert bool(answer.content) == (status == 200)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("dev-preview/scripts/absent", "Worker not found."),
        ("dev-staging/scripts/app", "Dispatch namespace not found."),
    ],
)
def test_a_missing_script_is_not_found(path: str, message: str) -> None:
    answer = get(f"/_edge/namespaces/{path}")
    assert (answer.status_code, answer.text) == (404, message)


def test_a_script_that_the_edge_cannot_run_is_refused_with_every_reason() -> None:
    answer = get("/_edge/namespaces/dev-preview/scripts/broken")
    assert answer.status_code == 422
    assert "binding 'Q' is of type 'queue'" in answer.text
    assert "binding 'H' is of type 'hyperdrive'" in answer.text


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"authorization": b"Bearer \xe9"}])
def test_only_the_edges_token_opens_it(headers: dict[str, str | bytes]) -> None:
    answer = get("/_edge/namespaces/dev-preview/scripts/app", headers)
    assert answer.status_code == 401
    assert "hidden" not in answer.text


def test_a_script_comes_with_what_serves_its_assets() -> None:
    code = get("/_edge/namespaces/dev-preview/scripts/site").json()
    assert (code["mainModule"], code["modules"], code["env"]) == (None, {}, {})
    assert code["assets"] == {
        "namespace": "id",
        "manifest": "AA==",
        "worker": {"html_handling": "none"},
        "router": {"has_user_worker": False},
    }
    assert code["bindings"] == {"ASSETS": {"entrypoint": "Assets", "props": {}}}


def test_an_asset_comes_with_its_type_if_it_has_one() -> None:
    answer = get("/_edge/assets/id/aa")
    assert (answer.content, answer.headers["content-type"]) == (b"css", "text/css")
    assert "content-type" not in get("/_edge/assets/id/bb").headers
    assert get("/_edge/assets/other/aa").status_code == 404
    assert get("/_edge/assets/id/aa", {}).status_code == 401
