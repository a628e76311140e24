"""A hundred apps: each is pushed once, and serves what was pushed to it."""

import statistics
import time
from datetime import datetime
from pathlib import Path

import pytest
from conftest import Checkout
from fleet_steps import app, apply, write
from onlookers import Watcher
from pushed_app import PushedApp

COUNT = 100
HOUR = 3600


@pytest.mark.slow
def test_each_app_that_is_pushed_serves_its_own_content(checkout: Checkout, tmp_path: Path) -> None:
    checkout.run("up", "--detach")
    names = [f"app-{number:03}" for number in range(COUNT)]
    write(checkout, [app(name) for name in names])
    began = time.monotonic()
    assert " 0 failed" in apply(checkout)
    made = time.monotonic()
    token = checkout.run("token", "create", "e2e", "--scope", "events:read", "--scope", "deployments:read").split()[-1]
    watcher = Watcher(str(checkout.config.overskill.api_base), token)
    apps = [PushedApp(checkout, name, tmp_path / name) for name in names]
    commits = {each.name: each.headline(f"This is {each.name}") for each in apps}
    pushed = time.monotonic()
    for each in apps:
        each.push("main")
    seconds = []
    for each in apps:
        watcher.until("deploy.succeeded", HOUR, commit=commits[each.name])
        (row,) = watcher.deployments(each.name)
        times = [datetime.fromisoformat(row["phases"][phase]) for phase in ("building", "succeeded")]
        seconds.append((times[1] - times[0]).total_seconds())
    ended = time.monotonic()
    served = {each.name: each.shown(each.name) for each in apps}
    own = [name for name, code in served.items() if f"This is {name}" in code and code.count("This is app-") == 1]
    told = f"{COUNT} made in {made - began:.0f} s, {len(own)} live in {ended - pushed:.0f} s"
    print(f"\n{told}; from begin to live: median {statistics.median(seconds):.1f} s, worst {max(seconds):.1f} s")
    assert own == names
