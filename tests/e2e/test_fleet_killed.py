"""A fleet run that is killed twenty times: after the next one the local cloud is what the file says, to the letter."""

import random
import time
from contextlib import suppress

import psutil
import pytest
from conftest import Checkout
from fleet_steps import app, apply, assert_exact, engines, write

SEED, TIMES = 7, 20
IDS = ("one", "two", "three")
NAMES = ("First", "Second")
AT_ONCE = ("--now", "--delete-repository")


def a_file(chance: random.Random) -> tuple[list[dict], tuple[str, ...]]:
    """Some apps with one of two names, and those that shall not be."""
    apps = [app(app_id, displayName=chance.choice(NAMES)) for app_id in IDS if chance.random() < 0.7]
    return apps, tuple(set(IDS) - {one["id"] for one in apps})


@pytest.mark.slow
def test_killed_at_random_moments(checkout: Checkout):
    checkout.run("up", "--detach")
    chance = random.Random(SEED)  # noqa: S311 - no secret
    write(checkout, [app(app_id) for app_id in IDS])
    began = time.monotonic()
    apply(checkout)
    lasting, killed = time.monotonic() - began, 0
    for _ in range(TIMES):
        apps, absent = a_file(chance)
        write(checkout, apps, absent)
        run = checkout.start("fleet", "apply", "apps.yaml", "--workers", "2", *AT_ONCE)
        time.sleep(chance.uniform(0, lasting))
        at_work = engines(run) if chance.random() < 0.5 else []
        killed += run.poll() is None
        for victim in [run, *at_work]:
            with suppress(psutil.NoSuchProcess):
                victim.kill()
        run.wait(10)
        apply(checkout, *AT_ONCE)
        assert_exact(checkout, apps)
    assert killed > TIMES / 2
