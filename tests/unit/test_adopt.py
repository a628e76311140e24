"""What a stack file has to say of a platform that was made by hand, and which of its apps can be taken up."""

import json
import re
from typing import Any

import httpx
import pytest

from infra.config import parse
from overskill.adopt import apps, platform
from overskill.adopt.imports import ADOPTED
from overskill.drift.apis import Access, Apis
from overskill.errors import CommandError
from overskill.recovery import FINDERS, Clouds

ACCOUNT = "0" * 31 + "1"
WORKERS = f"accounts/{ACCOUNT}/workers"
KV = f"accounts/{ACCOUNT}/storage/kv/namespaces"
SETTINGS = {
    "domain": "apps.x.com",
    "plans": {"free": {"cpuMs": 50, "subRequests": 20}, "pro": {"cpuMs": 200, "subRequests": 90}},
    "defaultPlan": "free",
    "cacheSeconds": 9,
    "parentCookies": "keep",
    "redirectPaths": False,
    "protectedEnvironments": ["preview"],
    "loginUrl": None,
}
EGRESS = {"free": {"mode": "enforce", "allow": ["*.y.com"]}}


def worker(name: str, bindings: list[dict[str, Any]]) -> dict[str, Any]:
    version = f"version-of-{name}"
    return {
        f"{WORKERS}/scripts/{name}/deployments": {
            "deployments": [{"id": "d1", "versions": [{"version_id": version, "percentage": 100}]}]
        },
        f"{WORKERS}/workers/{name}-id/versions/{version}": {"bindings": bindings},
    }


def hand_made() -> dict[str, Any]:
    """Cloudflare's results by path, and GitHub's by theirs."""
    dispatcher = [{"name": "SETTINGS", "type": "json", "json": SETTINGS}]
    names = ("hand-dispatch", "hand-outbound")
    routes = [
        {"pattern": "*.apps.x.com/*", "script": "hand-dispatch"},
        {"pattern": "www.apps.x.com/*"},
        {"pattern": "x.com/*", "script": "website"},
    ]
    pack = {"hosts": ["x.com", "*.apps.x.com"], "validity_days": 30}
    universal = {**pack, "id": "p0", "type": "universal", "certificate_authority": "ssl_com", "status": "active"}
    advanced = {**pack, "type": "advanced", "certificate_authority": "google"}
    tags, spaces = ["app-shop", "plan-free"], ("preview", "production")
    previews = ("preview-shop", "preview-shop-pr7", "preview-only")
    return {
        f"{WORKERS}/dispatch/namespaces": [{"namespace_name": f"hand-production-{e}"} for e in spaces],
        f"{WORKERS}/workers": [{"name": name, "id": f"{name}-id"} for name in names],
        f"{WORKERS}/subdomain": {"subdomain": "acme"},
        **worker("hand-dispatch", dispatcher),
        **worker("hand-outbound", [{"name": "EGRESS", "type": "json", "json": json.dumps(EGRESS)}]),
        "zones": [{"id": "z0", "name": "other.com"}, {"id": "z1", "name": "x.com"}],
        "zones/z0/workers/routes": [],
        "zones/z1/workers/routes": routes,
        "zones/z1/dns_records": [{"name": "*.apps.x.com", "type": "AAAA"}],
        "zones/z1/ssl/certificate_packs": [
            universal,
            {**advanced, "id": "p1", "status": "deleted", "validity_days": 90},
            {**advanced, "id": "p2", "status": "pending_validation"},
        ],
        KV: [{"id": "k0", "title": "other"}, {"id": "k1", "title": "hand-production-apps"}],
        f"{KV}/k1/values/app:shop": {"plan": "pro", "services": ["api.shop.example"]},
        f"{WORKERS}/dispatch/namespaces/hand-production-production/scripts": [
            {"id": "shop", "tags": tags}, {"id": "lost", "tags": []}, {"id": "taken", "tags": ["app-other"]},
        ],
        f"{WORKERS}/dispatch/namespaces/hand-production-preview/scripts": [
            {"id": name, "tags": []} for name in previews
        ],
        f"{WORKERS}/dispatch/namespaces/hand-production-production/scripts/shop/settings": {
            "bindings": [{"name": "DB", "type": "d1"}, {"name": "KV", "type": "plain_text"}]
        },
        "repos/org/shop": {"description": "The shop", "visibility": "public", "template_repository": None},
        "repos/org/shop/actions/variables": {
            "variables": [{"name": "A", "value": "1"}, {"name": "GITHUB_X", "value": "2"}]
        },
        "repos/org/shop/actions/variables/OVERSKILL_APP": {"value": json.dumps({"hooks": "https://b.x/api/hooks/deploy"})},
        "repos/org/shop/hooks": [{"config": {"url": "https://b.x/webhooks/github"}}],
        "repos/org/taken": {"description": None, "visibility": "private"},
        "repos/org/only": {"description": None, "visibility": "private"},
    }  # fmt: skip


def transport(results: dict[str, Any]) -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        service, path = re.match(r"/(c|g)/(.*)", request.url.path).groups()
        if path not in results:
            return httpx.Response(404, json={})
        result = results[path]
        if path.endswith("/certificate_packs"):
            query = request.url.params
            assert 5 <= int(query.get("per_page", "20")) <= 50
            result = [pack for pack in result if query.get("status") == "all" or pack["status"] == "active"]
        bare = service == "g" or "/values/" in path
        return httpx.Response(200, json=result if bare else {"result": result})

    return httpx.MockTransport(answer)


def apis(results: dict[str, Any]) -> Apis:
    services = {
        "cloudflare": Access(url="http://x/c/", token="planted"),
        "github": Access(url="http://x/g/", token="planted"),
    }
    return Apis(services, (), transport=transport(results))


def test_the_stack_file_says_what_is_there():
    found = platform.read(apis(hand_made()), ACCOUNT, "hand", "production")
    assert found.told == []
    assert found.values == {
        "prefix": "hand",
        "platformEnvironment": "production",
        "accountId": ACCOUNT,
        "workersDevSubdomain": "acme",
        "appEnvironments": ["preview", "production"],
        "domain": "apps.x.com",
        "zone": "x.com",
        "exemptHosts": ["www"],
        "wildcardRecord": "originless",
        "certificate": {
            "kind": "advanced", "hosts": ["*.apps.x.com", "x.com"], "authority": "google", "validityDays": 30,
        },
        "plans": {
            "free": {"cpuMs": 50, "subrequests": 20, "egress": EGRESS["free"]},
            "pro": {"cpuMs": 200, "subrequests": 90},
        },
        "defaultPlan": "free",
        "appCacheSeconds": 9,
        "previews": {"protect": ["preview"]},
    }  # fmt: skip


def test_a_dispatch_worker_of_another_kind_is_told():
    results = hand_made() | worker("hand-dispatch", [])
    assert "another program" in platform.read(apis(results), ACCOUNT, "hand", "production").told[0]


@pytest.mark.parametrize(
    ("prefix", "change", "told"),
    [
        ("typo", {}, "there may be: --prefix hand --environment production"),
        ("hand", {f"{WORKERS}/workers": [{"name": "x", "id": "1"}]}, "no dispatch Worker hand-dispatch: it has x"),
        ("hand", {"zones/z1/workers/routes": []}, "no zone has a route"),
    ],
)
def test_what_is_no_platform_is_refused_with_what_there_is(prefix, change, told):
    with pytest.raises(CommandError, match=re.escape(told)):
        platform.read(apis(hand_made() | change), ACCOUNT, prefix, "production")


def test_apps_are_taken_with_what_they_have_and_others_left_with_the_reason():
    hand = apis(hand_made())
    values = {f"overskill:{k}": v for k, v in platform.read(hand, ACCOUNT, "hand", "production").values.items()}
    hooks = apps.hooks_base(hand, "org", iter(["shop"]))
    assert hooks == {"webhookBase": "https://b.x/webhooks", "apiBase": "https://b.x/api"}
    values |= {f"overskill:{k}": v for k, v in hooks.items()}
    config = parse({**values, "github:owner": "org", "overskill:githubOrganization": "org"})
    found = {one.app_id: one for one in apps.read(hand, config)}
    assert {app_id: one.problem for app_id, one in found.items()} == {
        "shop": "",
        "lost": "there is no repository org/lost",
        "only": "it has no script in production",
        "taken": "its scripts are tagged app-other",
    }
    shop = found["shop"]
    assert shop.own == {
        "appEnvironments": ["preview", "production"],
        "displayName": "The shop",
        "visibility": "public",
        "plan": "pro",
        "services": ["api.shop.example"],
        "variables": {"A": "1"},
        "data": ["d1"],
    }
    assert shop.untagged == (("hand-production-preview", "preview-shop"),)


def clouds(results: dict[str, Any]) -> Clouds:
    environment = {"CLOUDFLARE_API_TOKEN": "planted", "GITHUB_TOKEN": "planted"}
    return Clouds(
        ("http://x/c/", "http://x/g/"), "org", environment, webhook_base="http://x/w", transport=transport(results)
    )


def find(kind: str, results: dict[str, Any], **inputs: Any) -> str | None:
    (finder,) = [finder for type_, finder in ADOPTED.items() if type_.endswith(f":{kind}")]
    return finder(clouds(results), inputs)


def test_a_version_is_the_one_with_the_same_program():
    path = f"{WORKERS}/workers/w1/versions"
    module = {"name": "index.js", "content_base64": "eA=="}
    results = {
        path: [{"id": "v2"}, {"id": "v1"}],
        f"{path}/v2": {"modules": [{**module, "content_base64": "eQ=="}], "bindings": []},
        f"{path}/v1": {"modules": [module], "bindings": [{"name": "APPS"}]},
    }
    inputs = {"accountId": ACCOUNT, "workerId": "w1", "modules": [{"name": "index.js", "contentBase64": "eA=="}]}
    assert find("WorkerVersion", results, **inputs, bindings=[{"name": "APPS"}]) == f"{ACCOUNT}/w1/v1"
    assert find("WorkerVersion", results, **inputs, bindings=[]) is None


def test_what_is_adopted_is_found_by_its_name():
    results = hand_made() | {"repos/org/shop/actions/secrets/KEY": {}, "repos/org/shop/environments/preview": {}}
    assert find("ActionsSecret", results, repository="shop", secretName="KEY") == "shop:KEY"
    assert find("ActionsSecret", results, repository="shop", secretName="OTHER") is None
    assert find("RepositoryEnvironment", results, repository="shop", environment="preview") == "shop:preview"
    assert find("Repository", results, name="shop") == "shop"
    deployment = find("WorkersDeployment", results, accountId=ACCOUNT, scriptName="hand-dispatch")
    assert deployment == f"{ACCOUNT}/hand-dispatch/d1"
    assert find("CertificatePack", results, zoneId="z1", hosts=["*.apps.x.com", "x.com"]) == "z1/p2"
    assert find("CertificatePack", results, zoneId="z1", hosts=["x.com"]) is None
    assert FINDERS.keys() < ADOPTED.keys()
