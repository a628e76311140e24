"""Whatever is sent: never a fault of the local cloud's own, and nothing is stored of a call that is refused."""

import hashlib
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from contract_service import LocalCloud, Service, upload
from hypothesis import HealthCheck, Phase, given, seed, settings
from random_calls import RandomCall, calls

from local_cloud import cloudflare, github

SECONDS = [60, pytest.param(600, marks=pytest.mark.slow)]
EXAMPLES = 200
"""Between two times that the world is put back as it was."""


@pytest.fixture
def world(running: LocalCloud | None, tmp_path: Path) -> Iterator[LocalCloud]:
    """A local cloud of its own, with one of each."""
    if running is None:
        pytest.skip("only the local cloud has this")
    with LocalCloud.run(tmp_path) as local:
        names = {"account": local.settings.account}
        credentials = local.cloud.credentials
        for root, token in ((cloudflare.ROOT, credentials.cloudflare_token), (github.ROOT, credentials.github_token)):
            service = Service(client=local.client, root=root, token=token, names=names)
            for method, path, options in WORLD[root]:
                assert service.send(method, path, **options).is_success, path
        yield local


WORKERS = "/accounts/{account}/workers"
WORLD = {
    cloudflare.ROOT: [
        ("POST", f"{WORKERS}/dispatch/namespaces", {"json": {"name": "contract"}}),
        ("PUT", f"{WORKERS}/dispatch/namespaces/contract/scripts/contract", {"files": upload({})}),
        ("PUT", f"{WORKERS}/scripts/contract", {"files": upload({})}),
        ("POST", "/accounts/{account}/storage/kv/namespaces", {"json": {"title": "contract"}}),
    ],
    github.ROOT: [
        ("POST", "/orgs/overskill/repos", {"json": {"name": "contract", "auto_init": True, "is_template": True}}),
        ("POST", "/repos/overskill/contract/actions/variables", {"json": {"name": "CONTRACT", "value": "x"}}),
    ],
}


@pytest.mark.parametrize("seconds", SECONDS)
def test_random_calls_end_in_an_answer_and_refused_ones_change_nothing(world: LocalCloud, seconds: int) -> None:
    token = {"Authorization": f"Bearer {world.cloud.credentials.cloudflare_token}"}
    world.client.post("/_local/snapshots/world", headers=token).raise_for_status()
    zone = world.cloud.store.values("zones", "")[0]["id"]
    fixed = {
        "account": world.settings.account,
        "zone": zone,
        "owner": "overskill",
        "repo": "contract",
        "org": "overskill",
    }
    names = sorted(_names(world))
    made = calls([*cloudflare.TABLE], names, fixed).map(lambda call: (cloudflare.ROOT, call))
    made |= calls([*github.TABLE], names, fixed).map(lambda call: (github.ROOT, call))
    seen: Counter[int] = Counter()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(made)
    def one(chosen: tuple[str, RandomCall]) -> None:
        before = _stored(world)
        answer = _send(world, *chosen)
        seen[answer.status_code // 100] += 1
        unserved = answer.status_code == 501 and "The local cloud" in answer.text
        assert answer.status_code < 500 or unserved, (chosen, answer.text)
        if answer.status_code >= 400:
            assert _stored(world) == before, (chosen, answer.text)

    end, rounds = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        seed(rounds)(one)()
        rounds += 1
        world.client.post("/_local/snapshots/world/restore", headers=token).raise_for_status()
    assert seen[2] > 20
    assert seen[4] > 20


def _send(world: LocalCloud, root: str, call: RandomCall) -> httpx.Response:
    credentials = world.cloud.credentials
    token = credentials.cloudflare_token if root == cloudflare.ROOT else credentials.github_token
    headers = {"Authorization": f"Bearer {token}", **call.headers}
    return world.client.request(
        call.method, root + call.path, params=call.query or None, headers=headers, content=call.body, timeout=30
    )


def _rows(world: LocalCloud, query: str) -> list[tuple[str, ...]]:
    """From what is committed."""
    with closing(sqlite3.connect(world.cloud.state.database)) as connection:
        return connection.execute(query).fetchall()


def _names(world: LocalCloud) -> set[str]:
    rows = _rows(world, "SELECT scope, key FROM documents")
    return {name for row in rows for name in row if name and len(name) < 100}


def _stored(world: LocalCloud) -> str:
    """A digest of every document, and of what each repository's refs point to."""
    documents = "SELECT * FROM documents WHERE collection != 'unknown_routes' ORDER BY collection, scope, key"
    digest = hashlib.sha256(repr(_rows(world, documents)).encode())
    for path in sorted(world.cloud.state.repositories.rglob("*")):
        if path.is_file() and ("refs" in path.parts or path.name in {"HEAD", "packed-refs"}):
            digest.update(path.read_bytes())
    return digest.hexdigest()
