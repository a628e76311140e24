"""A platform that was made by hand, by calls alone, taken up: then no plan has anything to do."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Checkout

from app_stacks.repository_settings import SETTINGS
from infra.config import StackConfig, parse
from infra.dispatcher import OUTBOUND_PARAMETERS, settings_of
from infra.versioned_worker import COMPATIBILITY_DATE

STACK, DOMAIN, TEMPLATE = "hand", "hand.localhost", "hand-app-template"
JAVASCRIPT = "application/javascript+module"


@pytest.fixture(scope="module")
def up(checkout: Checkout) -> Iterator[Checkout]:
    checkout.run("up", "--detach")
    return checkout


def by_hand(up: Checkout) -> StackConfig:
    """What the stack file would have to say of it."""
    values = yaml.safe_load(up.stack_file("local").read_text())["config"]
    own = {"overskill:prefix": "hand", "overskill:domain": DOMAIN, "overskill:exemptHosts": ["www"]}
    return parse({**values, **own})


class Hand:
    """Makes things by calls."""

    def __init__(self, up: Checkout) -> None:
        self.up, self.config = up, by_hand(up)
        self.account = up.account("").removesuffix("/workers/")

    def call(self, method: str, path: str, **options: Any) -> Any:
        answer = self.up.api(method, path, **options)
        assert answer.is_success, (method, path, answer.text)
        return answer.json() if answer.content else None

    def worker(self, name: str, source: Path, bindings: list[dict[str, Any]], *, public: bool) -> None:
        workers = f"{self.account}/workers"
        observability = {"enabled": True, "head_sampling_rate": 1}
        subdomain = {"enabled": public, "previews_enabled": False}
        body = {"name": name, "subdomain": subdomain, "observability": observability}
        made = self.call("POST", f"{workers}/workers", json=body)["result"]
        modules = [
            {
                "name": file.name,
                "content_type": JAVASCRIPT,
                "content_base64": base64.b64encode(file.read_bytes()).decode(),
            }
            for file in sorted(source.glob("*.js"))
        ]
        program = {"compatibility_date": COMPATIBILITY_DATE, "main_module": "index.js", "modules": modules}
        version = self.call("POST", f"{workers}/workers/{made['id']}/versions", json={**program, "bindings": bindings})
        shares = [{"version_id": version["result"]["id"], "percentage": 100}]
        body = {"strategy": "percentage", "versions": shares}
        self.call("POST", f"{workers}/scripts/{name}/deployments", json=body)

    def platform(self) -> None:
        platform, up = self.config.overskill, self.up
        zone = {"name": DOMAIN, "account": {"id": platform.account_id}}
        zone_id = self.call("POST", "/client/v4/zones", json=zone)["result"]["id"]
        for name in platform.namespaces.values():
            self.call("POST", f"{self.account}/workers/dispatch/namespaces", json={"name": name})
        namespaces = f"{self.account}/storage/kv/namespaces"
        store = self.call("POST", namespaces, json={"title": "hand-development-apps"})["result"]["id"]
        self.store = f"{namespaces}/{store}"
        usage = {"name": "USAGE", "type": "analytics_engine", "dataset": platform.usage_dataset}
        egress = {name: plan.egress.model_dump() for name, plan in platform.plans.items()}
        outbound = [
            {"name": "DEFAULT_PLAN", "type": "plain_text", "text": platform.default_plan},
            {"name": "EGRESS", "type": "json", "json": egress},
            usage,
        ]
        self.worker("hand-development-outbound", up.root / "outbound_worker" / "src", outbound, public=False)
        parameters = [{"name": name} for name in OUTBOUND_PARAMETERS]
        to_outbound = {"worker": {"service": "hand-development-outbound"}, "params": parameters}
        namespaces = [
            {
                "name": f"NAMESPACE_{one.upper()}",
                "type": "dispatch_namespace",
                "namespace": name,
                "outbound": to_outbound,
            }
            for one, name in platform.namespaces.items()
        ]
        dispatcher = [
            {"name": "APPS", "type": "kv_namespace", "namespace_id": store},
            {"name": "SETTINGS", "type": "json", "json": settings_of(platform)},
            usage,
            *namespaces,
        ]
        self.worker(platform.origins.worker, up.root / "dispatch_worker" / "src", dispatcher, public=True)
        target = f"{platform.origins.worker}.overskill.workers.dev"
        record = {"type": "CNAME", "name": f"*.{DOMAIN}", "content": target, "proxied": True, "ttl": 1}
        self.call("POST", f"/client/v4/zones/{zone_id}/dns_records", json=record)
        routes = f"/client/v4/zones/{zone_id}/workers/routes"
        self.call("POST", routes, json={"pattern": f"www.{DOMAIN}/*"})
        self.call("POST", routes, json={"pattern": f"*.{DOMAIN}/*", "script": platform.origins.worker})
        order = {"certificate_authority": "google", "validation_method": "txt", "validity_days": 90}
        order = {**order, "type": "advanced", "hosts": [DOMAIN, f"*.{DOMAIN}"]}
        self.call("POST", f"/client/v4/zones/{zone_id}/ssl/certificate_packs/order", json=order)
        off = dict.fromkeys(("has_issues", "has_projects", "has_wiki"), False)
        template = {"name": TEMPLATE, "description": "What every hand app starts from.", "private": True, **off}
        self.call("POST", "/api/v3/orgs/overskill/repos", json={**template, "is_template": True, "auto_init": True})

    def app(self, app_id: str) -> None:
        """With a pipeline's repository, without tags on its scripts."""
        platform = self.config.overskill
        made = {"owner": "overskill-apps", "name": app_id, "description": "Made by hand", "private": True}
        self.call("POST", f"/api/v3/repos/overskill/{TEMPLATE}/generate", json=made)
        path = f"/api/v3/repos/overskill-apps/{app_id}"
        self.call("PATCH", path, json={name: value for name, value in SETTINGS.items() if name != "topics"})
        self.call("POST", f"{path}/actions/variables", json={"name": "FLAVOUR", "value": "plain"})
        for environment in platform.app_environments:
            self.call("PUT", f"{path}/environments/{environment}", json={})
        self.call("PUT", f"{self.store}/values/app:{app_id}", content='{"services":["api.example.com"]}')
        metadata = {"main_module": "index.js", "compatibility_date": COMPATIBILITY_DATE}
        code = "export default { fetch() { return new Response('by hand'); } };"
        for environment, name in {"production": app_id, "preview": f"preview-{app_id}"}.items():
            parts = [
                ("metadata", (None, json.dumps(metadata), "application/json")),
                ("index.js", ("index.js", code, JAVASCRIPT)),
            ]
            path = f"{self.account}/workers/dispatch/namespaces/{platform.namespaces[environment]}/scripts/{name}"
            self.call("PUT", path, files=parts)


@pytest.mark.slow
def test_a_platform_made_by_hand_is_taken_up_and_no_plan_changes_it(up):
    hand = Hand(up)
    hand.platform()
    hand.app("handmade")
    assert up.page(f"handmade.{DOMAIN}").text == "by hand"
    options = ("adopt", "--stack", STACK, "--like", "local", "--prefix", "hand", "--environment", "development")
    assert "nothing was written" in up.run(*options)
    assert not up.stack_file(STACK).exists()
    told = up.run(*options, "--yes")
    assert "stack hand is as the platform is: nothing to do" in told
    assert "1 taken up, 0 left alone" in told
    written = yaml.safe_load(up.stack_file(STACK).read_text())["config"]
    assert (written["overskill:domain"], written["overskill:exemptHosts"]) == (DOMAIN, ["www"])
    assert written["overskill:certificate"]["kind"] == "advanced"
    assert by_hand(up).overskill.plans == parse(written).overskill.plans
    up.pulumi(STACK, "preview", "--expect-no-changes")
    up.drift(STACK, code=0)
    (listed,) = yaml.safe_load((up.root / "hand.apps.yaml").read_text())["apps"]
    assert listed == {
        "id": "handmade",
        "appEnvironments": ["preview", "production"],
        "displayName": "Made by hand",
        "services": ["api.example.com"],
        "variables": {"FLAVOUR": "plain"},
    }
    up.run("fleet", "apply", "hand.apps.yaml", "--stack", STACK)
    assert up.page(f"handmade.{DOMAIN}").text == "by hand", "the code is the pipeline's"
    folder = next((up.root / ".overskill" / "fleet").glob("overskill-apps-*/stacks/Pulumi.hand.handmade.yaml")).parents[
        1
    ]
    up.run("pulumi", "-C", str(folder), "preview", "--expect-no-changes", "-s", "hand.handmade", "--non-interactive")
    assert "nothing differs" in up.run("drift", "--stack", STACK, "--deep", "100", "--settle", "0")
