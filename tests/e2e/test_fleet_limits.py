"""A fleet run with the real engine against the limits as they are published: none of its calls is refused."""

import pytest
from conftest import Checkout
from fleet_steps import CONTENT, app, apply, assert_exact, write

from overskill.fleet.costs import PLAIN
from overskill.local_api import ask

CHANGES_A_MINUTE = 80
REFUSED = {"403", "429"}


@pytest.mark.slow
def test_no_call_is_refused(checkout: Checkout):
    checkout.run("up", "--detach")
    ask(checkout.cloud, "PUT", "profile", json={"name": "instant", "enforce_limits": True})
    apps = [app(f"app-{number}") for number in range(CHANGES_A_MINUTE // PLAIN.create.content + 3)]
    write(checkout, apps)
    log = checkout.root / ".overskill" / "local-cloud" / "requests.log"
    before = len(log.read_text().splitlines())
    assert f"{len(apps)} done, 0 failed" in apply(checkout)
    # 2026-11-24 20:32:06,166 GET /api/v3/repos/overskill-apps/one 200 4.7 ms
    calls = [line.split() for line in log.read_text().splitlines()[before:]]
    assert sum(call[2] in CONTENT and call[3].startswith("/api/v3/") for call in calls) > CHANGES_A_MINUTE
    assert [call for call in calls if call[4] in REFUSED] == []
    assert_exact(checkout, apps)
