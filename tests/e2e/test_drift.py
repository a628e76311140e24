"""Drift of a real platform and its app, and a fleet that is moved from one kind of address to the other."""

import json
from collections.abc import Iterator

import pytest
from conftest import Checkout
from drift_steps import APP, BY_HAND, NAMED, drift, inject, take_away


@pytest.fixture(scope="module")
def up(checkout: Checkout) -> Iterator[Checkout]:
    checkout.run("up", "--detach")
    return checkout


@pytest.mark.slow
def test_injected_found_mended_and_clean(up):
    assert drift(up, "--deep", "100", code=0)["findings"] == []
    assert up.run("drift", code=0).count("nothing differs") == 1
    expected = inject(up)
    found = drift(up, "--deep", "100", "--sarif", str(up.root / "drift.sarif"), code=7)
    assert {(one["drift"], one["resource"], one["name"]) for one in found["findings"]} == expected
    (run,) = json.loads((up.root / "drift.sarif").read_text())["runs"]
    assert len(run["results"]) == len(expected)
    uris = {r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in run["results"]}
    assert uris == {"Pulumi.local.yaml", "app_stacks/stacks/Pulumi.local.ultrathink.yaml"}
    assert "--yes carries that out" in up.run("drift", "--repair", "missing", code=1)
    named = [word for name in NAMED for word in ("--delete", name)]
    left = drift(up, "--repair", "missing,changed,orphan", *named, "--yes", code=7)
    assert {one["name"] for one in left["findings"]} == set(BY_HAND)
    take_away(up)
    assert drift(up, "--deep", "100", code=0)["findings"] == []


def told_urls(up: Checkout) -> dict[str, str]:
    """What the app's workflow gives people."""
    return json.loads(up.api("GET", f"{APP}/actions/variables/OVERSKILL_APP").json()["value"])["urls"]


@pytest.mark.slow
def test_a_fleet_goes_to_paths_and_back_to_subdomains(up):
    subdomains = told_urls(up)
    told = up.run("migrate", "urls", "--back")
    assert "1 moved; 0 were moved before, 0 wait" in told
    assert told_urls(up)["production"].endswith("/app/ultrathink/")
    assert up.config.overskill.urls == "path"
    assert "none; 1 were moved before" in up.run("migrate", "urls", "--back")
    up.drift("local", code=0)
    up.run("migrate", "urls")
    assert told_urls(up) == subdomains
    assert up.config.overskill.urls == "subdomain"


@pytest.mark.slow
def test_a_domain_that_leads_nowhere_moves_nothing(up):
    up.run("migrate", "urls", "--back")
    zone = up.zone("workers/routes")
    (route,) = [one for one in up.api("GET", zone).json()["result"] if one["pattern"].startswith("*.")]
    assert up.api("DELETE", f"{zone}/{route['id']}").is_success
    told = up.run("migrate", "urls", code=1)
    assert "app ultrathink does not answer at its new address, and nothing was changed" in told
    assert up.config.overskill.urls == "path"
    assert told_urls(up)["production"].endswith("/app/ultrathink/")
