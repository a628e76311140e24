"""Drift planted in a platform and its app behind Pulumi's back, found, and taken away."""

import json
from typing import Any

from conftest import Checkout

APP = "/api/v3/repos/overskill-apps/ultrathink"
SCRIPTS = "dispatch/namespaces/overskill-development-{}/scripts/{}"

NAMED = (
    "overskill-apps/ultrathink BY_HAND",
    "overskill-apps/ultrathink https://by-hand.example/",
    "overskill-development-production/by-hand",
)
BY_HAND = ("by-hand.overskill.localhost", "by-hand.overskill.localhost/*", "overskill-development-by-hand")
"""What has none of the platform's marks: drift tells it, and nothing of ours ever deletes it."""


def drift(up: Checkout, *options: str, code: int) -> dict[str, Any]:
    """The report as JSON, beside what is told of the run."""
    printed = up.run("drift", "--json", "--settle", "0", *options, code=code)
    report, _ = json.JSONDecoder().raw_decode(printed, printed.index("{\n"))
    return report


def result(up: Checkout, path: str) -> list[dict[str, Any]]:
    return up.api("GET", path).json()["result"]


def inject(up: Checkout) -> set[tuple[str, str, str]]:
    """One of each kind of thing, missing, changed or added, in the platform's stack and in the app's."""
    org, dev = "overskill-apps/ultrathink", "overskill-development"
    zone = up.zone("")
    (wildcard,) = [one for one in result(up, f"{zone}dns_records") if one["name"].startswith("*")]
    (exempt, *_) = [one for one in result(up, f"{zone}workers/routes") if not one.get("script")]
    (hook,) = up.api("GET", f"{APP}/hooks").json()
    (ruleset,) = up.api("GET", f"{APP}/rulesets").json()
    tags = ["app-by-hand", "platform-development"]
    parts = [
        ("metadata", (None, json.dumps({"main_module": "index.js", "tags": tags}), "application/json")),
        ("index.js", ("index.js", "export default {};", "application/javascript+module")),
    ]
    script = up.account(SCRIPTS.format("production", "{}")).format
    cname = {"type": "CNAME", "content": "elsewhere.example", "proxied": True, "ttl": 1}
    for method, path, options in (
        ("PUT", f"{zone}dns_records/{wildcard['id']}", {"json": {**cname, "name": wildcard["name"]}}),
        ("DELETE", f"{zone}workers/routes/{exempt['id']}", {}),
        ("PATCH", "/api/v3/repos/overskill/overskill-app-template", {"json": {"description": "By hand"}}),
        ("POST", f"{zone}dns_records", {"json": {**cname, "name": "by-hand.overskill.localhost"}}),
        ("POST", f"{zone}workers/routes", {"json": {"pattern": "by-hand.overskill.localhost/*"}}),
        ("POST", up.account("dispatch/namespaces"), {"json": {"name": f"{dev}-by-hand"}}),
        ("DELETE", up.account(SCRIPTS.format("staging", "staging-ultrathink")), {}),
        ("DELETE", f"{script('ultrathink')}/tags/plan-free", {}),
        ("PUT", script("by-hand"), {"files": parts}),
        ("PATCH", APP, {"json": {"description": "By hand"}}),
        ("PATCH", f"{APP}/actions/variables/OVERSKILL_APP", {"json": {"value": "{}"}}),
        ("POST", f"{APP}/actions/variables", {"json": {"name": "BY_HAND", "value": "x"}}),
        ("DELETE", f"{APP}/actions/secrets/OVERSKILL_WEBHOOK_SECRET", {}),
        ("PATCH", f"{APP}/hooks/{hook['id']}", {"json": {"events": ["push"]}}),
        ("POST", f"{APP}/hooks", {"json": {"config": {"url": "https://by-hand.example/"}}}),
        ("DELETE", f"{APP}/environments/preview", {}),
        ("PUT", f"{APP}/rulesets/{ruleset['id']}", {"json": {"enforcement": "disabled"}}),
    ):
        answer = up.api(method, path, **options)
        assert answer.is_success, (method, path, answer.text)
    return {
        ("changed", "DnsRecord", "*.overskill.localhost"),
        ("missing", "WorkersRoute", exempt["pattern"]),
        ("changed", "Repository", "overskill/overskill-app-template"),
        ("orphan", "DnsRecord", "by-hand.overskill.localhost"),
        ("orphan", "WorkersRoute", "by-hand.overskill.localhost/*"),
        ("orphan", "WorkersForPlatformsDispatchNamespace", f"{dev}-by-hand"),
        ("missing", "NamespaceScript", f"{dev}-staging/staging-ultrathink"),
        ("changed", "NamespaceScript", f"{dev}-production/ultrathink"),
        ("orphan", "NamespaceScript", f"{dev}-production/by-hand"),
        ("changed", "Repository", org),
        ("changed", "ActionsVariable", f"{org} OVERSKILL_APP"),
        ("orphan", "ActionsVariable", f"{org} BY_HAND"),
        ("missing", "ActionsSecret", f"{org} OVERSKILL_WEBHOOK_SECRET"),
        ("changed", "RepositoryWebhook", f"{org} {hook['config']['url']}"),
        ("orphan", "RepositoryWebhook", f"{org} https://by-hand.example/"),
        ("missing", "RepositoryEnvironment", f"{org} preview"),
        ("changed", "RepositoryRuleset", f"{org} default branch"),
    }


def take_away(up: Checkout) -> None:
    zone = up.zone("")
    for kind, key in (("dns_records", "name"), ("workers/routes", "pattern")):
        (by_hand,) = [one for one in result(up, f"{zone}{kind}") if one[key].startswith("by-hand")]
        assert up.api("DELETE", f"{zone}{kind}/{by_hand['id']}").is_success
    assert up.api("DELETE", up.account("dispatch/namespaces/overskill-development-by-hand")).is_success
