"""Nothing is emulated that this suite does not call, by real clients too; runs last."""

import os
import time

import pytest
from deviations import DEVIATIONS
from observer import CLIENTS

from local_cloud import cloudflare, github

SQL = "/client/v4/accounts/{account}/analytics_engine/sql"
SCRIPTS = "/client/v4/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts"

NO_CLIENT = {
    f"GET {SQL}": "documented for curl and Grafana",
    f"POST {SQL}": "documented for curl and Grafana",
    "POST /client/v4/graphql": "documented for any client of GraphQL; cloudflare-python 5.9 has no method for it",
    f"GET {SCRIPTS}": "cloudflare-python 5.9 has no method for it; app_stacks calls it, in test_namespace_script.py",
    f"DELETE {SCRIPTS}": "documented for curl; cloudflare-python 5.9 has no method for it",
    f"PUT {SCRIPTS}/{{script}}/tags/{{tag}}": "documented for curl; cloudflare-python 5.9 has no method for it",
    "POST /api/v3/repos/{owner}/{repo}/hooks/{hook}/test": "PyGithub and octokit call it by its newer name, /tests",
}
"""The routes that none of these clients calls, and why."""

SECONDS = 300
"""For the last test of another process."""

ROUTES = {
    f"{route.method} {root}{route.template}"
    for root, table in ((cloudflare.ROOT, cloudflare.TABLE), (github.ROOT, github.TABLE))
    for route in table
}


@pytest.fixture(autouse=True)
def whole(local, request):
    """Skips where only part of the suite has run."""
    config, suite = request.config, request.path.parent
    if config.option.keyword or not all(suite.is_relative_to(config.rootpath / asked) for asked in config.args):
        pytest.skip("only part of the suite runs")


@pytest.fixture
def everything(whole, observer, notes):
    """With what the other processes of this run have observed: they end when there is no other test left."""
    others = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) - 1
    deadline = time.monotonic() + SECONDS
    while len(found := list(notes.glob("*.observed"))) < others:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    for path in found:
        observer.add(path.read_text())
    return observer


def test_every_route_was_answered(everything):
    assert ROUTES - everything.answered == set()
    assert len(ROUTES) > 80


def test_every_route_was_answered_to_a_real_client(everything, wrangler, test_packages):
    if not test_packages:
        pytest.skip("OVERSKILL_TEST_PACKAGES names no folder")
    assert {route for route in ROUTES if not everything.clients.get(route)} == NO_CLIENT.keys()
    assert {client for clients in everything.clients.values() for client in clients} == CLIENTS.keys()


def test_every_deviation_from_githubs_description_still_is_one(everything):
    if not everything.description:
        pytest.skip("OVERSKILL_TEST_PACKAGES names no folder")
    assert set(DEVIATIONS) - everything.used == set()
