"""A fleet with the real engine: what the file says and what the local cloud has are the same after each run."""

import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import astuple

import psutil
import pytest
from conftest import Checkout
from fleet_steps import app, apply, assert_exact, calls_since, engines, last_call, write

from overskill.fleet.costs import DELETE_REPOSITORY, PLAIN, PLAN
from overskill.fleet.limits import Calls


@pytest.fixture(scope="module")
def up(checkout: Checkout) -> Checkout:
    checkout.environment["OVERSKILL_USAGE_MINUTES"] = "0"  # the control plane shall make no calls of its own
    checkout.run("up", "--detach")
    return checkout


ONE = [app("one")]
TWO = [app("two"), app("three", appEnvironments=["production", "preview"])]


def test_the_calls_of_a_run_are_those_that_are_reserved(up):
    write(up, ONE)
    counted = {}
    for name, options in {"create": (), "unchanged": (), "verify": ("--verify",)}.items():
        before = last_call(up)
        apply(up, *options)
        counted[name] = calls_since(up, before)
    write(up, [app("one") | {"displayName": "Another"}])
    before = last_call(up)
    apply(up)
    update = astuple(calls_since(up, before))
    assert counted == {"create": PLAN + PLAIN.create, "unchanged": PLAN, "verify": PLAN + PLAIN.refresh}
    assert all(made <= reserved for made, reserved in zip(update, astuple(PLAN + PLAIN.create), strict=True)), update
    write(up, ONE)
    apply(up)


def test_a_removed_app_leaves_no_preview_of_a_pull_request(up):
    write(up, [*ONE, app("gone")])
    apply(up)
    up.add_preview("gone", 7)
    write(up, ONE, absent=("gone",))
    before = last_call(up)
    apply(up, "--now", "--delete-repository")
    made, most = calls_since(up, before), PLAN + PLAIN.destroy + DELETE_REPOSITORY + Calls(cloudflare=1)
    assert (made.cloudflare, made.github) == (most.cloudflare, most.github)
    assert_exact(up, ONE)


def test_a_bad_file_changes_nothing(up):
    write(up, [*ONE, app("www"), app("four", colour="red")])
    told = apply(up, code=1)
    assert "reserved" in told
    assert "four: colour: is not a key of an app" in told
    assert_exact(up, ONE)


def test_a_dry_run_tells_and_does_nothing(up):
    write(up, [ONE[0] | {"displayName": "Another"}, *TWO])
    told = apply(up, "--dry-run")
    assert "3 to do, 0 unchanged" in told
    assert "update Repository one" in told
    assert_exact(up, ONE)
    write(up, [*ONE, *TWO])
    assert "2 to do, 1 unchanged" in apply(up, "--dry-run")


def test_a_failing_app_stops_no_other_and_is_tried_again(up):
    path = "/api/v3/repos/overskill-apps/two"
    assert up.api("POST", "/api/v3/orgs/overskill-apps/repos", json={"name": "two"}).is_success
    told = apply(up, code=1)
    assert "1 done, 1 failed, 1 unchanged" in told
    assert "overskill-apps/two exists already and was not made from the template" in told
    assert up.api("DELETE", path).is_success
    assert "1 done, 0 failed, 2 unchanged" in apply(up)
    assert_exact(up, [*ONE, *TWO])


def test_an_app_that_is_gone_is_made_again_by_verify_alone(up):
    path = up.account("dispatch/namespaces/overskill-development-production/scripts/two")
    assert up.api("DELETE", path).is_success
    apply(up)
    assert up.api("GET", path).status_code == 404
    apply(up, "--verify")
    assert_exact(up, [*ONE, *TWO])


def test_an_app_whose_state_is_lost_is_taken_up_as_it_is(up):
    hooks = "/api/v3/repos/overskill-apps/two/hooks"
    [hook] = up.api("GET", hooks).json()
    [state] = up.root.glob(".overskill/**/stacks/*/local.two.json")
    state.unlink()
    apply(up, "--verify")
    assert_exact(up, [*ONE, *TWO])
    assert [each["id"] for each in up.api("GET", hooks).json()] == [hook["id"]]


def test_an_app_made_by_hand_keeps_its_stack(up):
    write(up, [*ONE, *TWO, {"id": "ultrathink", "displayName": "By a file"}])
    assert "1 done" in apply(up)
    assert "By a file" in up.pulumi("local.ultrathink", "config", "get", "overskill-apps:displayName")
    write(up, [*ONE, *TWO, {"id": "ultrathink"}])
    apply(up)
    assert_exact(up, [*ONE, *TWO])


MORE = [app(f"more-{number}") for number in range(3)]


def interrupted(up: Checkout, repositories: int) -> subprocess.Popen:
    """A fleet run over `MORE` that has begun so many of the repositories."""
    write(up, [*ONE, *TWO, *MORE])
    run = up.start("fleet", "apply", "apps.yaml", "--workers", "2")
    deadline = time.monotonic() + 120
    while sum(up.api("GET", f"/api/v3/repos/overskill-apps/{each['id']}").is_success for each in MORE) < repositories:
        assert time.monotonic() < deadline
        assert run.poll() is None
        time.sleep(0.05)
    return run


def test_ctrl_c_finishes_what_runs_and_the_next_run_goes_on(up):
    run = interrupted(up, 1)
    run.send_signal(signal.SIGINT)
    assert run.wait(300) == 130
    assert "not begun; the same command goes on" in (up.root / ".overskill" / "started.log").read_text()
    assert " 0 failed" in apply(up)
    assert_exact(up, [*ONE, *TWO, *MORE])


@pytest.mark.parametrize(("whole", "repositories"), [(False, 1), (True, 2)], ids=["the fleet", "its engines too"])
def test_kill_in_the_middle(up, whole, repositories):
    write(up, [*ONE, *TWO], absent=tuple(each["id"] for each in MORE))
    apply(up, "--now", "--delete-repository")
    assert_exact(up, [*ONE, *TWO])
    run = interrupted(up, repositories)
    for victim in [run, *(engines(run) if whole else [])]:
        with suppress(psutil.NoSuchProcess):
            victim.kill()
    run.wait(10)
    apply(up)
    assert_exact(up, [*ONE, *TWO, *MORE])
    assert not list((up.root / ".overskill").rglob("*.attrs")), (
        "a kill can leave such a file empty, and the stack unreadable"
    )
    assert f"0 done, 0 failed, {len([*ONE, *TWO, *MORE])} unchanged" in apply(up)
