"""An app with every option that there is on the local cloud: made, changed, destroyed, with the real engine.

Collaborators and teams are not among them: the local cloud has neither users nor teams.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml
from conftest import Checkout

STACK = "local.shop"
HOST = "shop.customer.com"
PLANTED = {"secrets.SUPABASE_KEY": "planted-supabase-key-7d1", "cloudflareToken": "planted-deploy-token-7d1"}
OPTIONS = {
    "displayName": "Shop",
    "plan": "pro",
    "services": ["api.stripe.com"],
    "variables": {"SUPABASE_URL": "https://x.supabase.co"},
    "hostnames": [HOST],
    "data": ["d1", "kv", "r2"],
    "deployCredentials": "token",
}
CHANGES = {"plan": "free", "services": [], "hostnames": [], "data": ["d1", "r2"], "variables": {"SUPABASE_URL": "/"}}
WRITES = 16 + 15
"""What makes the app at GitHub and at Cloudflare; two of them, the repository's topics and settings once more, are the
official plugin's way."""

READS = 21 + 3 + 2
"""The official plugin looks at what it has made; a script is looked for before it is; and the command looks in the app
store whether the app was to be destroyed."""

MINIMUM = 15 + 15
"""A call for each thing, for the repository's settings, for its topics, and for the key that seals secrets."""


@pytest.fixture(scope="module")
def up(checkout: Checkout) -> Checkout:
    """The platform, with customers' hosts and a subject of the organisation's; and the app's stack, not made yet."""
    subject = {"oidcSubject": ["repo", "context"]}
    checkout.configure("local", overskill__customHostnames=True, overskill__organizationSettings=subject)
    checkout.environment["OVERSKILL_USAGE_MINUTES"] = "0"  # the control plane shall make no calls of its own
    checkout.run("up", "--detach")
    checkout.pulumi(STACK, "stack", "init", "--no-select")
    configure(checkout, OPTIONS)
    planted = [word for key, value in PLANTED.items() for word in ("--secret", f"overskill-apps:{key}={value}")]
    checkout.pulumi(STACK, "config", "set-all", "--path", *planted)
    return checkout


def configure(checkout: Checkout, options: dict[str, Any]) -> None:
    file = checkout.root / "app_stacks" / "stacks" / f"Pulumi.{STACK}.yaml"
    content = yaml.safe_load(file.read_text()) if file.exists() else {}
    own = {f"overskill-apps:{key}": value for key, value in options.items()}
    file.write_text(yaml.safe_dump({**content, "config": {**content.get("config", {}), **own}}))


@contextmanager
def counted(checkout: Checkout) -> Iterator[Counter[str]]:
    """The calls that the local cloud answers meanwhile, as `reads` and `writes`."""
    log = checkout.root / ".overskill" / "local-cloud" / "requests.log"
    before, calls = len(log.read_text().splitlines()), Counter[str]()
    yield calls
    for line in log.read_text().splitlines()[before:]:
        if found := re.search(r"\b([A-Z]+) /(?:client|api)/", line):
            calls["reads" if found[1] == "GET" else "writes"] += 1


def api(checkout: Checkout, path: str) -> Any:
    return checkout.api("GET", path).raise_for_status()


def github(checkout: Checkout, path: str) -> Any:
    return api(checkout, f"/api/v3/repos/overskill-apps/shop{path}").json()


def cloudflare(checkout: Checkout, path: str) -> Any:
    return api(checkout, f"/client/v4/accounts/{checkout.cloud.account}/{path}").json()["result"]


def records(checkout: Checkout) -> dict[str, Any]:
    """What the dispatch Worker finds in the app store."""
    (store,) = (n for n in cloudflare(checkout, "storage/kv/namespaces") if n["title"] == "overskill-development-apps")
    values = f"/client/v4/accounts/{checkout.cloud.account}/storage/kv/namespaces/{store['id']}"
    keys = api(checkout, f"{values}/keys").json()["result"]
    return {key["name"]: api(checkout, f"{values}/values/{key['name']}").json() for key in keys}


def bindings(checkout: Checkout) -> dict[str, str]:
    script = "workers/dispatch/namespaces/overskill-development-production/scripts/shop"
    return {binding["name"]: binding["type"] for binding in cloudflare(checkout, f"{script}/bindings")}


def data(checkout: Checkout) -> dict[str, list[str]]:
    """The names of what keeps apps' data, by kind."""
    found = {
        "d1": [database["name"] for database in cloudflare(checkout, "d1/database")],
        "kv": [n["title"] for n in cloudflare(checkout, "storage/kv/namespaces")],
        "r2": [bucket["name"] for bucket in cloudflare(checkout, "r2/buckets")["buckets"]],
    }
    return {kind: sorted(name for name in names if name.endswith("-shop")) for kind, names in found.items()}


EACH = [f"overskill-development-{environment}-shop" for environment in ("preview", "production", "staging")]


def test_everything_is_made_in_as_many_calls_as_the_official_plugins_need(up):
    with counted(up) as calls:
        up.run("app", "create", "shop")
    assert calls["writes"] == WRITES
    assert calls["reads"] <= READS
    assert MINIMUM * 2 > calls.total() > MINIMUM
    assert {e["name"] for e in github(up, "/environments")["environments"]} == {"preview", "staging", "production"}
    assert {s["name"] for s in github(up, "/actions/secrets")["secrets"]} == {
        *("CLOUDFLARE_API_TOKEN", "OVERSKILL_WEBHOOK_SECRET", "SUPABASE_KEY")
    }
    variables = {v["name"]: v["value"] for v in github(up, "/actions/variables")["variables"]}
    assert variables["SUPABASE_URL"] == "https://x.supabase.co"
    assert json.loads(variables["OVERSKILL_APP"])["scripts"]["preview"] == "preview-shop"
    assert {rule["type"] for rule in github(up, "/rules/branches/main")} == {"deletion", "non_fast_forward"}
    assert github(up, "/actions/oidc/customization/sub")["use_default"] is False
    assert records(up) == {
        "app:shop": {"plan": "pro", "services": ["api.stripe.com"]},
        f"host:{HOST}": {"script": "shop"},
    }
    assert data(up) == {"d1": EACH, "kv": EACH, "r2": EACH}
    assert bindings(up) == {
        **dict.fromkeys(("OVERSKILL_APP_NAME", "OVERSKILL_ENVIRONMENT", "SUPABASE_URL"), "plain_text"),
        **{"SUPABASE_KEY": "secret_text", "DB": "d1", "KV": "kv_namespace", "BUCKET": "r2_bucket"},
    }
    assert "Shop is being built" in up.page("shop.overskill.localhost").text
    outputs, _ = json.JSONDecoder().raw_decode(up.pulumi(STACK, "stack", "output", "--json"))
    told = outputs["hostnames"][HOST]
    assert (told["cname"], told["status"]) == ("customers.overskill.localhost", "active")
    assert told["ownership"]["name"] == f"_cf-custom-hostname.{HOST}"


def test_after_that_nothing_differs(up):
    with counted(up) as calls:
        up.pulumi(STACK, "up", "--refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert calls["writes"] == 0


def test_planted_secrets_are_nowhere(up):
    found = [
        str(path)
        for path in up.root.rglob("*")
        if path.is_file() and "tests" not in path.parts
        if any(secret.encode() in path.read_bytes() for secret in PLANTED.values())
    ]
    assert found == []


def test_a_changed_app_keeps_what_was_not_changed(up):
    (database, *_) = cloudflare(up, "d1/database")
    configure(up, CHANGES)
    up.run("app", "create", "shop")
    assert records(up) == {"app:shop": {"plan": "free"}}
    assert data(up) == {"d1": EACH, "kv": [], "r2": EACH}
    assert database in cloudflare(up, "d1/database")
    assert "KV" not in bindings(up)
    assert api(up, up.zone("custom_hostnames")).json()["result"] == []


def test_destroyed_it_is_gone(up):
    for app_id in ("shop", "shopping"):
        up.add_preview(app_id, 7)
    up.run("app", "destroy", "shop", "--now", "--delete-repository")
    left = {script["id"] for script in up.api("GET", up.previews).json()["result"]}
    assert left == {"preview-shopping-pr7", "preview-ultrathink"}
    assert up.api("GET", "/api/v3/repos/overskill-apps/shop").status_code == 404
    assert data(up) == {"d1": [], "kv": [], "r2": []}
    assert records(up) == {}
    up.await_status("shop.overskill.localhost", 404)
