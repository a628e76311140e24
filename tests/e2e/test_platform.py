"""A platform environment through its changes, with the real engine: what its options do, and what no change may do."""

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import PLANTED, Checkout
from drift_steps import BY_HAND, NAMED, drift, inject, take_away

from infra.access import access_key
from policies import POLICIES

DISPATCHER = "overskill-development-dispatch.overskill.workers.localhost"
PREVIEW = "preview-ultrathink.overskill.localhost"
WORKER = "scripts/overskill-development-dispatch"
JAVASCRIPT = "application/javascript+module"
NAMESPACES = [f"overskill-development-{app}" for app in ("preview", "production", "staging")]


@pytest.fixture(scope="module")
def up(checkout: Checkout) -> Checkout:
    """The checkout after `overskill up --detach`."""
    before = checkout.stack_file("local").read_text()
    checkout.run("up", "--detach")
    assert checkout.stack_file("local").read_text() == before, "the engine has rewritten the file"
    return checkout


@pytest.fixture
def configured(up: Checkout) -> Iterator[Checkout]:
    """Whatever a test changes in `Pulumi.local.yaml` is changed back after it, and brought up."""
    before = up.stack_file("local").read_text()
    yield up
    up.stack_file("local").write_text(before)
    up.up("local")


def unchanged(checkout: Checkout, stack: str) -> None:
    """Neither a refresh nor another up has anything to do."""
    checkout.pulumi(stack, "preview", "--refresh", "--expect-no-changes")


def outputs(checkout: Checkout, stack: str) -> dict[str, Any]:
    printed = checkout.pulumi(stack, "stack", "output", "--json")
    return json.loads(printed[printed.index("{") : printed.rindex("}") + 1])


def result(checkout: Checkout, path: str, **options: Any) -> Any:
    return checkout.api("GET", path, **options).raise_for_status().json()["result"]


def namespace_ids(checkout: Checkout, prefix: str) -> dict[str, str]:
    found = result(checkout, checkout.account("dispatch/namespaces"))
    return {one["namespace_name"]: one["namespace_id"] for one in found if one["namespace_name"].startswith(prefix)}


def test_doctor_finds_everything_in_place(up):
    findings = json.loads(up.run("doctor", "--json").partition("providers:")[0])
    assert {finding["level"] for finding in findings} == {"ok"}
    assert "dispatch namespaces" in {finding["check"] for finding in findings}


def test_drift_is_found_and_mended_by_one_command(up):
    """What has a stack, or is ours and named, is as it was; what is nobody's is told, and left to who made it."""
    inject(up)
    named = [word for name in NAMED for word in ("--delete", name)]
    left = drift(up, "--deep", "100", "--repair", "missing,changed,orphan", *named, "--yes", code=7)
    assert {one["name"] for one in left["findings"]} == {*BY_HAND}
    take_away(up)


def test_the_builders_environment_is_what_the_stack_made(up):
    lines = up.run("env").splitlines()
    printed = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    made = outputs(up, "local")
    assert printed["CLOUDFLARE_ACCOUNT_ID"] == made["accountId"]
    for app_environment, namespace in made["namespaces"].items():
        assert printed[f"WFP_NAMESPACE_{app_environment.upper()}"] == namespace
    assert printed["WFP_DISPATCH_DOMAIN"] == f"overskill.workers.localhost:{up.cloud.edge_port}"
    assert f"{up.config.github.owner}/{printed['GITHUB_TEMPLATE_REPO']}" == made["template"]
    assert (printed["GITHUB_ORG"], printed["OVERSKILL_API_BASE"]) == (made["githubOrganization"], made["apiBase"])
    assert printed["OVERSKILL_WEBHOOK_BASE"] == made["webhookBase"]
    assert {"GITHUB_APP_ID", "GITHUB_CLIENT_ID"} <= printed.keys()
    assert PLANTED not in "\n".join(lines)
    with_secrets = up.run("env", "--show-secrets")
    assert f"OVERSKILL_WEBHOOK_SECRET={PLANTED}" in with_secrets
    assert all(f"\n{name}=" in with_secrets for name in ("CLOUDFLARE_API_TOKEN", "GITHUB_PRIVATE_KEY"))


def served(checkout: Checkout, count: int = 60) -> Counter[str]:
    """What answers the landing page, by the version that its header names; "" is the committed one."""
    return Counter(checkout.page(DISPATCHER).headers.get("x-test-version", "") for _ in range(count))


@pytest.fixture
def new_version(configured: Checkout) -> Iterator[Checkout]:
    """The checkout with a change in the dispatch Worker that a request shows."""
    pages = configured.root / "dispatch_worker" / "src" / "pages.js"
    before = pages.read_text()
    pages.write_text(
        before.replace('"Cache-Control": "no-store"', '"Cache-Control": "no-store", "X-Test-Version": "new"')
    )
    assert pages.read_text() != before
    yield configured
    pages.write_text(before)


def test_a_new_dispatch_worker_is_rolled_out_by_percentage_and_back(new_version):
    """0, 50, back to the old one by one command, all; each of them ends without a difference."""
    stable = outputs(new_version, "local")["dispatcherVersion"]
    assert new_version.run("rollout", "50").count("50%") == 2
    assert outputs(new_version, "local")["dispatcherVersion"] != stable
    assert set(served(new_version)) == {"", "new"}
    unchanged(new_version, "local")
    assert f"version {stable} 100%" in new_version.run("rollback")
    assert served(new_version, 20) == {"": 20}
    unchanged(new_version, "local")
    assert "100%" in new_version.run("rollout", "100")
    assert served(new_version, 20) == {"new": 20}
    assert "overskill:rollout" not in new_version.stack_file("local").read_text()
    assert f"version {stable} 100%" in new_version.run("rollback")
    assert served(new_version, 20) == {"": 20}


APP = """
export default {
  async fetch() {
    const answer = await fetch("https://elsewhere.example/", { method: "POST", body: "x" });
    return new Response(await answer.text(), { status: answer.status });
  },
};
"""


def test_an_apps_fetch_passes_the_outbound_worker_and_its_denial_is_counted(up):
    """The parameters of the binding arrive: without them the outbound Worker would know neither app nor plan."""
    path = up.account("dispatch/namespaces/overskill-development-production/scripts/fetcher")
    metadata = json.dumps({"main_module": "index.js", "compatibility_date": "2026-01-01"})
    parts = [("metadata", (None, metadata, "application/json")), ("index.js", ("index.js", APP, JAVASCRIPT))]
    up.api("PUT", path, files=parts).raise_for_status()
    try:
        answer = up.page("fetcher.overskill.localhost")
    finally:
        up.api("DELETE", path).raise_for_status()
    assert answer.status_code == 403
    assert "elsewhere.example" in answer.json()["detail"]
    dataset, deadline = outputs(up, "local")["usageDataset"], time.monotonic() + 5
    where = "index1 = 'fetcher' AND blob3 = 'egress-denied'"
    query = f"SELECT index1, blob3, blob5, blob6 FROM {dataset} WHERE {where}"  # noqa: S608 - no user's
    sql = up.account("").removesuffix("workers/") + "analytics_engine/sql"
    while not (found := up.api("POST", sql, content=query)).is_success or not found.json()["data"]:
        assert time.monotonic() < deadline, found.text
        time.sleep(0.1)
    expected = {"index1": "fetcher", "blob3": "egress-denied", "blob5": "elsewhere.example", "blob6": "free"}
    assert found.json()["data"] == [expected]


def test_what_a_platform_team_may_choose(configured):
    """An originless wildcard, customers' hosts, the organisation's settings, closed previews: made, and given back."""
    assert configured.page("www.overskill.localhost").headers["x-local-cloud-edge"] == "route-exempts"
    settings = {"oidcSubject": ["repository_id", "context"], "allowedActions": ["cloudflare/*"]}
    configured.configure(
        "local",
        overskill__wildcardRecord="originless",
        overskill__customHostnames=True,
        overskill__organizationSettings=settings,
        overskill__previews={"protect": ["preview"]},
    )
    configured.up("local")
    assert configured.page(PREVIEW).status_code == 403
    link = re.search(rf"http://{PREVIEW}:\d+(/\S+)", configured.run("app", "link", "ultrathink"))[1]
    assert configured.page(PREVIEW, link).headers["set-cookie"].startswith("overskill-access=")
    assert access_key(PLANTED) not in configured.pulumi("local", "stack", "export")
    records = {one["name"]: (one["type"], one["content"]) for one in result(configured, configured.zone("dns_records"))}
    # No host can have a CNAME beside another record: the old one had to go first.
    assert records["*.overskill.localhost"] == ("AAAA", "100::")
    assert configured.page("ultrathink.overskill.localhost").status_code == 200
    fallback = result(configured, configured.zone("custom_hostnames/fallback_origin"))
    assert (fallback["origin"], fallback["status"]) == ("customers.overskill.localhost", "active")
    routes = {route["pattern"]: route.get("script") for route in result(configured, configured.zone("workers/routes"))}
    assert routes["*/*"] == "overskill-development-dispatch"
    assert routes["overskill.localhost/*"] is None
    assert configured.page("customers.overskill.localhost").status_code == 404
    actions = "/api/v3/orgs/overskill-apps/actions"
    subject = configured.api("GET", f"{actions}/oidc/customization/sub").json()
    assert subject["include_claim_keys"] == settings["oidcSubject"]
    selected = configured.api("GET", f"{actions}/permissions/selected-actions").json()
    assert (selected["patterns_allowed"], selected["github_owned_allowed"]) == (["cloudflare/*"], True)
    unchanged(configured, "local")


def test_what_was_chosen_is_given_back(up):
    actions = "/api/v3/orgs/overskill-apps/actions"
    assert up.api("GET", f"{actions}/permissions").json()["allowed_actions"] == "all"
    assert up.api("GET", up.zone("custom_hostnames/fallback_origin")).status_code == 404
    assert up.page("ultrathink.overskill.localhost").status_code == 200


def packs(checkout: Checkout) -> list[str]:
    listed = result(checkout, checkout.zone("ssl/certificate_packs?status=all"))
    return sorted(pack["certificate_authority"] for pack in listed)


def test_a_changed_certificate_never_leaves_hosts_without_one(configured):
    """Any change replaces a pack, and nothing waits for the new one: the old one is left to serve until then."""
    configured.configure("local", overskill__certificate={"kind": "advanced"})
    configured.up("local")
    unchanged(configured, "local")
    configured.configure("local", overskill__certificate={"kind": "advanced", "authority": "lets_encrypt"})
    configured.up("local")
    assert packs(configured) == ["google", "lets_encrypt"]


def test_a_living_platform_keeps_its_namespaces_whatever_its_prefix_becomes(configured):
    before = namespace_ids(configured, "overskill-")
    assert sorted(before) == NAMESPACES
    configured.configure("local", overskill__prefix="renamed")
    output = configured.run("up", "--detach", code=1)
    assert "policy namespace-names" in output
    # The engine stops at the first namespace that it comes to.
    assert re.search(r"'overskill-development-\w+' is not among renamed-development-preview", output), output
    assert namespace_ids(configured, "") == before


def test_a_namespace_is_not_replaced_for_another_account(configured):
    configured.configure("local", overskill__accountId="f" * 32)
    output = configured.pulumi("local", "preview", "--policy-pack", str(configured.root / "policies"), code=1)
    assert "is in account 00000000000000000000000000000001, not in ffffffff" in output
    assert not re.search(r"DispatchNamespace namespaces-\w+ replace", output)


def test_the_state_of_a_stack_that_owns_an_organisation_holds_no_token(configured):
    """The SDK would make the token that it finds in the environment an input of the organisation's provider."""
    configured.configure("local", overskill__organizationSettings={"oidcSubject": ["repository_id"]})
    configured.up("local")
    token = configured.cloud.credentials()["github_token"]
    assert token not in configured.pulumi("local", "stack", "export", "--show-secrets")


def test_a_protected_platform_is_not_destroyed(configured):
    configured.configure("local", overskill__protect=True)
    configured.up("local")
    output = configured.pulumi("local", "destroy", "--yes", "--skip-preview", code=1)
    assert "because it is protected" in output
    assert sorted(namespace_ids(configured, "overskill-")) == NAMESPACES
    assert configured.page("ultrathink.overskill.localhost").status_code == 200
    assert configured.page("www.overskill.localhost").headers["x-local-cloud-edge"] == "route-exempts"


def copy_stack(checkout: Checkout, stack: str, **changes: Any) -> None:
    checkout.stack_file(stack).write_text(checkout.stack_file("local").read_text())
    checkout.configure(stack, **changes)


def test_namespaces_that_exist_are_adopted_with_what_is_in_them(up):
    """The provider imports a namespace without its name, and would replace it: every app in it would be gone."""
    names = [f"found-development-{app}" for app in ("preview", "staging", "production")]
    for name in names:
        up.api("POST", up.account("dispatch/namespaces"), json={"name": name}).raise_for_status()
    path = up.account("dispatch/namespaces/found-development-production/scripts/old-app")
    metadata = json.dumps({"main_module": "index.js", "compatibility_date": "2026-01-01"})
    parts = [("metadata", (None, metadata, "application/json")), ("index.js", ("index.js", APP, JAVASCRIPT))]
    up.api("PUT", path, files=parts).raise_for_status()
    before = namespace_ids(up, "found-")
    copy_stack(
        up, "found", overskill__prefix="found", overskill__domain="found.localhost", overskill__adopt=["namespaces"]
    )
    up.run("up", "--stack", "found", "--detach")
    assert namespace_ids(up, "found-") == before
    assert up.api("GET", path).is_success
    unchanged(up, "found")
    up.configure("found", overskill__adopt=None)
    unchanged(up, "found")
    up.pulumi("found", "destroy", "--yes", "--skip-preview")
    up.stack_file("found").unlink()


BAD = {
    "infra/namespaces.py": [
        ('ignore_changes=["accountId", "name"]', "ignore_changes=[]"),
        ("protect=args.protect", "protect=False"),
        ("name=namespace,", 'name=f"{namespace}-x",'),
    ],
    "infra/domain.py": [
        ("proxied=True", "proxied=False"),
        ('pattern=f"*.{args.domain}/*"', 'pattern=f"*{args.domain}/*"'),
    ],
    "infra/outbound.py": [
        ("bindings=[", 'bindings=[\n                Binding(name="API_TOKEN", type="plain_text", text="x"),'),
    ],
}
VIOLATIONS = {
    "namespace-names": "'bad-development-preview-x' is not among bad-development-preview",
    "namespace-never-replaced": "declare it with ignore_changes=['accountId', 'name']",
    "namespace-kept": "namespace bad-development-preview is not declared",
    "wildcard-proxied": "wildcard record *.bad.localhost is not proxied",
    "route-below-domain": "route *bad.localhost/* also takes hosts that only end alike",
    "no-plain-secret": "binding API_TOKEN is readable",
}


@pytest.fixture(scope="module")
def bad_program(up: Checkout) -> str:
    """What the engine says of a program that breaks every policy."""
    copy_stack(up, "bad", overskill__prefix="bad", overskill__domain="bad.localhost", overskill__protect=True)
    zone = {"name": "bad.localhost", "account": {"id": up.cloud.account}}
    up.api("POST", "/client/v4/zones", json=zone).raise_for_status()
    before = {name: (up.root / name).read_text() for name in BAD}
    for name, changes in BAD.items():
        text = before[name]
        for good, bad in changes:
            assert good in text, (name, good)
            text = text.replace(good, bad)
        (up.root / name).write_text(text)
    up.pulumi("bad", "stack", "init")
    try:
        return up.pulumi("bad", "preview", "--policy-pack", str(up.root / "policies"), code=1)
    finally:
        for name, text in before.items():
            (up.root / name).write_text(text)
        up.pulumi("bad", "stack", "rm", "--yes", "--force")
        up.stack_file("bad").unlink(missing_ok=True)


@pytest.mark.parametrize("policy", VIOLATIONS)
def test_a_policy_stops_a_bad_program(bad_program, policy):
    assert f"[mandatory]  {policy}" in bad_program
    assert VIOLATIONS[policy] in bad_program


def test_every_policy_has_a_bad_program():
    assert VIOLATIONS.keys() == {policy.name for policy in POLICIES}


def test_a_second_platform_stands_beside_the_first(up):
    """Two keys of one copied file: prefix and domain."""
    copy_stack(up, "acme", overskill__prefix="acme", overskill__domain="acme.localhost")
    output = up.run("up", "--stack", "acme", "--detach")
    assert "Platform acme is up" in output
    output = up.run("app", "create", "shop", "--stack", "acme")
    assert output.count(" 200  http://") == 4
    assert "shop is being built" in up.page("shop.acme.localhost").text
    assert up.page("shop.overskill.localhost").status_code == 404
    assert up.page("ultrathink.overskill.localhost").status_code == 200
    assert up.page("ultrathink.acme.localhost").status_code == 404
    assert up.page("acme-development-dispatch.overskill.workers.localhost", "/app/shop/").status_code == 200
    for stack in ("local", "acme", "acme.shop"):
        unchanged(up, stack)
    assert re.search(r"shop\s+complete", up.run("app", "list", "--stack", "acme"))
    up.run("app", "destroy", "shop", "--now", "--delete-repository", "--stack", "acme")
    up.pulumi("acme", "destroy", "--yes", "--skip-preview")
    assert namespace_ids(up, "acme-") == {}
    assert up.page("ultrathink.overskill.localhost").status_code == 200
    unchanged(up, "local")
    up.stack_file("acme").unlink()
