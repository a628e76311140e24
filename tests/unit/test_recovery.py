"""Which existing things a second run takes, and which it leaves to their owner."""

import json
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from overskill.backend import Backend
from overskill.errors import CommandError
from overskill.recovery import FINDERS, Clouds, adopt, require_whole_state

HOOK = "http://127.0.0.1:8786/webhooks/github"
NAMESPACE = "WorkersForPlatformsDispatchNamespace"
ACCOUNT, ZONE = "a" * 32, "z" * 32
ANSWERS = {
    f"/client/v4/accounts/{ACCOUNT}/workers/dispatch/namespaces/overskill-development-preview": {"result": {}},
    f"/client/v4/accounts/{ACCOUNT}/workers/workers/overskill-dispatch": {"result": {"id": "w1"}},
    f"/client/v4/zones/{ZONE}/dns_records": {"result": [{"id": "r1"}]},
    f"/client/v4/zones/{ZONE}/workers/routes": {"result": [{"id": "r2", "pattern": "*.overskill.com/*"}]},
    "/api/v3/repos/overskill-apps/ours": {"template_repository": {"full_name": "overskill/template"}},
    "/api/v3/repos/overskill-apps/foreign": {"template_repository": None},
    "/api/v3/repos/overskill-apps/template": {"template_repository": None, "description": "Ours."},
    f"/client/v4/accounts/{ACCOUNT}/storage/kv/namespaces": {"result": [{"id": "k1", "title": "overskill-apps"}]},
    f"/client/v4/accounts/{ACCOUNT}/d1/database": {"result": [{"uuid": "d1", "name": "ns-abc"}]},
    f"/client/v4/accounts/{ACCOUNT}/r2/buckets/ns-abc": {"result": {"name": "ns-abc"}},
    "/api/v3/repos/overskill-apps/ours/rulesets": [{"id": 5, "name": "default branch"}],
    "/api/v3/repos/overskill-apps/ours/actions/variables/OVERSKILL_APP": {"name": "OVERSKILL_APP"},
    "/api/v3/repos/overskill-apps/ours/hooks": [
        {"id": 6, "config": {"url": "http://elsewhere"}},
        {"id": 7, "config": {"url": HOOK}},
    ],
    "/api/v3/repos/overskill-apps/theirs/hooks": [{"id": 8, "config": {"url": "http://elsewhere"}}],
}
TEMPLATE = {"owner": "overskill", "repository": "template"}


@pytest.fixture
def clouds(monkeypatch):
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer token"
        body = ANSWERS.get(request.url.path)
        if request.url.path.endswith("/rulesets") and request.url.params.get("includes_parents") != "false":
            body = [{"id": 4, "name": "default branch"}, *body]
        return httpx.Response(404, json={}) if body is None else httpx.Response(200, json=body)

    transport = httpx.MockTransport(answer)
    return Clouds(
        ("http://127.0.0.1/client/v4", "http://127.0.0.1/api/v3/"),
        "overskill-apps",
        {"CLOUDFLARE_API_TOKEN": "token", "GITHUB_TOKEN": "token"},
        webhook_base=HOOK.removesuffix("/github"),
        transport=transport,
    )


def find(clouds: Clouds, type_: str, **inputs: object) -> str | None:
    (finder,) = [finder for token, finder in FINDERS.items() if token.endswith(f":{type_}")]
    return finder(clouds, inputs)


@pytest.mark.parametrize(
    ("type_", "inputs", "found"),
    [
        (NAMESPACE, {"name": "overskill-development-preview"}, f"{ACCOUNT}/overskill-development-preview"),
        (NAMESPACE, {"name": "overskill-development-staging"}, None),
        ("Worker", {"name": "overskill-dispatch"}, f"{ACCOUNT}/w1"),
        ("Worker", {"name": "other"}, None),
        ("WorkersKvNamespace", {"title": "overskill-apps"}, f"{ACCOUNT}/k1"),
        ("WorkersKvNamespace", {"title": "other"}, None),
        ("D1Database", {"name": "ns-abc"}, f"{ACCOUNT}/d1"),
        ("D1Database", {"name": "ns"}, None),
        ("R2Bucket", {"name": "ns-abc"}, f"{ACCOUNT}/ns-abc/default"),
        ("R2Bucket", {"name": "other"}, None),
        ("RepositoryRuleset", {"repository": "ours", "name": "default branch"}, "ours:5"),
        ("RepositoryRuleset", {"repository": "ours", "name": "other"}, None),
        ("ActionsVariable", {"repository": "ours", "variableName": "OVERSKILL_APP"}, "ours:OVERSKILL_APP"),
        ("ActionsVariable", {"repository": "ours", "variableName": "OTHER"}, None),
        ("DnsRecord", {"zoneId": ZONE, "name": "*.overskill.com", "type": "CNAME"}, f"{ZONE}/r1"),
        ("DnsRecord", {"zoneId": "y" * 32, "name": "*.overskill.com", "type": "CNAME"}, None),
        ("WorkersRoute", {"zoneId": ZONE, "pattern": "*.overskill.com/*"}, f"{ZONE}/r2"),
        ("WorkersRoute", {"zoneId": ZONE, "pattern": "*.example.com/*"}, None),
        ("Repository", {"name": "ours", "template": TEMPLATE}, "ours"),
        ("Repository", {"name": "none", "template": TEMPLATE}, None),
        ("Repository", {"name": "template", "description": "Ours."}, "template"),
        ("RepositoryWebhook", {"repository": "ours", "configuration": {"url": "[secret]"}}, "ours/7"),
        ("RepositoryWebhook", {"repository": "theirs", "configuration": {"url": "[secret]"}}, None),
        ("RepositoryWebhook", {"repository": "none", "configuration": {"url": "[secret]"}}, None),
    ],
)
def test_find(clouds, type_, inputs, found):
    assert find(clouds, type_, accountId=ACCOUNT, **inputs) == found


def test_another_platforms_template_is_never_taken(clouds):
    with pytest.raises(CommandError, match=r"template overskill-apps/template exists already.*overskill:template: use"):
        find(clouds, "Repository", name="template", description="Theirs.")


def test_a_foreign_repository_is_never_taken(clouds):
    with pytest.raises(CommandError, match="overskill-apps/foreign exists already and was not made from the template"):
        find(clouds, "Repository", name="foreign", template=TEMPLATE)


class Preview:
    """An engine whose preview would make a Worker in a component, and a route that does not exist."""

    def __init__(self, folder: Path) -> None:
        self.logs = folder
        self.backend = Backend(f"file://{folder}", folder)
        self.project = SimpleNamespace(backend=folder)
        self.imported: dict[str, object] = {}

    def preview_creates(self, stack: str, import_file: Path) -> list[dict[str, object]]:
        worker = {"type": "cloudflare:index/worker:Worker", "name": "dispatcherWorker", "parent": "dispatcher"}
        route = {"type": "cloudflare:index/workersRoute:WorkersRoute", "name": "route", "parent": "domain"}
        component = {"type": "overskill:platform:Dispatcher", "name": "dispatcher", "component": True}
        resources = [component, {**worker, "logicalName": "dispatcher"}, route]
        import_file.write_text(json.dumps({"nameTable": {}, "resources": resources}))
        return [
            {"urn": "urn::dispatcher", "inputs": {"accountId": ACCOUNT, "name": "overskill-dispatch"}},
            {"urn": "urn::route", "inputs": {"zoneId": ZONE, "pattern": "*.example.com/*"}},
        ]

    def import_resources(self, stack: str, import_file: Path) -> None:
        self.imported = {entry["name"]: entry for entry in json.loads(import_file.read_text())["resources"]}


def test_what_is_taken_up_is_declared_with_its_component(clouds, tmp_path):
    """A state that was lost has neither."""
    engine = Preview(tmp_path)
    assert adopt(engine, "dev", clouds) == ["dispatcher"]
    assert engine.imported.keys() == {"dispatcher", "dispatcherWorker"}
    assert engine.imported["dispatcherWorker"]["id"] == f"{ACCOUNT}/w1"


def test_half_a_state_is_told_with_its_remedy(tmp_path):
    engine = SimpleNamespace(backend=Backend(f"file://{tmp_path}", tmp_path))
    file = tmp_path / ".pulumi" / "stacks" / "overskill-apps" / "local.shop.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"version": 3}')
    require_whole_state(engine, "local.shop")
    file.write_text('{"version": ')
    with pytest.raises(CommandError, match=f"{file} is damaged .*: rm {file}; then the same again"):
        require_whole_state(engine, "local.shop")
    before = file.with_name("local.shop.json.bak")
    before.write_text("{}")
    with pytest.raises(CommandError, match=f"cp {before} {file}"):
        require_whole_state(engine, "local.shop")
