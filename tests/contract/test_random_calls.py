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
from client_steps import filled, found_at
from contract_service import LocalCloud, Service, upload
from hypothesis import HealthCheck, Phase, given, seed, settings
from random_calls import RandomCall, calls

from local_cloud import cloudflare, github

SECONDS = [20, pytest.param(600, marks=pytest.mark.slow)]
EXAMPLES = 200
"""Between two times that the world is put back as it was."""


@pytest.fixture
def world(running: LocalCloud | None, tmp_path: Path) -> Iterator[tuple[LocalCloud, dict[str, str]]]:
    """A local cloud of its own with one of each, and by what a path names each of them."""
    if running is None:
        pytest.skip("only the local cloud has this")
    with LocalCloud.run(tmp_path) as local:
        zone = local.cloud.store.values("zones", "")[0]["id"]
        names = {"account": local.settings.account, "zone": zone, "org": "overskill", "owner": "overskill"}
        credentials = local.cloud.credentials
        for root, token in ((cloudflare.ROOT, credentials.cloudflare_token), (github.ROOT, credentials.github_token)):
            service = Service(client=local.client, root=root, token=token, names=names)
            for method, path, options, *keeps in WORLD[root]:
                answer = service.send(method, path, **filled(options, names))
                assert answer.is_success, (path, answer.text)
                names |= {name: str(found_at(answer.json(), place)) for kept in keeps for name, place in kept.items()}
        yield local, names


WORKERS = "/accounts/{account}/workers"
D1 = "/accounts/{account}/d1/database"
R2 = "/accounts/{account}/r2/buckets"
KV = "/accounts/{account}/storage/kv/namespaces"
REPOSITORY = "/repos/{owner}/{repo}"
CHANGE = {"message": "x", "content": "eA=="}
PULL = {"title": "x", "head": "contract", "base": "main"}
HOSTNAME = {"hostname": "contract.customer.com", "ssl": {"method": "http", "type": "dv"}}
RULESET = {"name": "contract", "enforcement": "active", "rules": [{"type": "deletion"}]}
WORLD = {
    cloudflare.ROOT: [
        ("POST", f"{WORKERS}/dispatch/namespaces", {"json": {"name": "contract"}}),
        ("PUT", f"{WORKERS}/dispatch/namespaces/contract/scripts/contract", {"files": upload({})}),
        ("PUT", f"{WORKERS}/scripts/contract", {"files": upload({})}),
        ("POST", KV, {"json": {"title": "contract"}}, {"kv_namespace": "result.id"}),
        ("POST", D1, {"json": {"name": "contract"}}, {"database": "result.uuid"}),
        ("POST", f"{D1}/{{database}}/query", {"json": {"sql": "CREATE TABLE contract (a)"}}),
        ("POST", R2, {"json": {"name": "contract"}}, {"bucket": "result.name"}),
        ("PUT", f"{R2}/contract/objects/contract", {"content": b"x"}),
        ("POST", "/zones/{zone}/custom_hostnames", {"json": HOSTNAME}, {"hostname": "result.id"}),
    ],
    github.ROOT: [
        (
            "POST",
            "/orgs/{org}/repos",
            {"json": {"name": "contract", "auto_init": True, "is_template": True}},
            {"repo": "name", "branch": "default_branch", "ref": "default_branch"},
        ),
        ("POST", f"{REPOSITORY}/actions/variables", {"json": {"name": "CONTRACT", "value": "x"}}),
        ("GET", f"{REPOSITORY}/commits/main", {}, {"sha": "sha", "tree": "commit.tree.sha"}),
        ("POST", f"{REPOSITORY}/git/refs", {"json": {"ref": "refs/heads/contract", "sha": "{sha}"}}),
        ("PUT", f"{REPOSITORY}/contents/contract", {"json": {**CHANGE, "branch": "contract"}}),
        ("POST", f"{REPOSITORY}/pulls", {"json": PULL}, {"number": "number"}),
        ("POST", f"{REPOSITORY}/issues/{{number}}/comments", {"json": {"body": "x"}}, {"comment": "id"}),
        ("POST", f"{REPOSITORY}/statuses/{{sha}}", {"json": {"state": "success"}}),
        ("POST", f"{REPOSITORY}/deployments", {"json": {"ref": "main"}}, {"deployment": "id"}),
        ("POST", f"{REPOSITORY}/deployments/{{deployment}}/statuses", {"json": {"state": "success"}}, {"status": "id"}),
        ("POST", f"{REPOSITORY}/rulesets", {"json": RULESET}, {"ruleset": "id"}),
    ],
}
"""What there is of each service: method, path and options of a call, and what it makes known, by the path to it."""


@pytest.mark.parametrize("seconds", SECONDS)
def test_random_calls_end_in_an_answer_and_refused_ones_change_nothing(
    world: tuple[LocalCloud, dict[str, str]], seconds: int
) -> None:
    local, fixed = world
    token = {"Authorization": f"Bearer {local.cloud.credentials.cloudflare_token}"}
    local.client.post("/_local/snapshots/world", headers=token).raise_for_status()
    names = sorted(_names(local))
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
        before = _stored(local)
        answer = _send(local, *chosen)
        seen[answer.status_code // 100] += 1
        unserved = answer.status_code == 501 and "The local cloud" in answer.text
        assert answer.status_code < 500 or unserved, (chosen, answer.text)
        if answer.status_code >= 400:
            assert _stored(local) == before, (chosen, answer.text)

    end, rounds = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        seed(rounds)(one)()
        rounds += 1
        local.client.post("/_local/snapshots/world/restore", headers=token).raise_for_status()
    assert seen[2] > 20
    assert seen[4] > 20


def _send(local: LocalCloud, root: str, call: RandomCall) -> httpx.Response:
    credentials = local.cloud.credentials
    token = credentials.cloudflare_token if root == cloudflare.ROOT else credentials.github_token
    headers = {"Authorization": f"Bearer {token}", **call.headers}
    return local.client.request(
        call.method, root + call.path, params=call.query or None, headers=headers, content=call.body, timeout=30
    )


def _rows(local: LocalCloud, query: str) -> list[tuple[str, ...]]:
    """From what is committed."""
    with closing(sqlite3.connect(local.cloud.state.database)) as connection:
        return connection.execute(query).fetchall()


def _names(local: LocalCloud) -> set[str]:
    rows = _rows(local, "SELECT scope, key FROM documents")
    return {name for row in rows for name in row if name and len(name) < 100}


def _stored(local: LocalCloud) -> str:
    """A digest of every document, of what each repository's refs point to, and of what is in each D1 database."""
    documents = "SELECT * FROM documents WHERE collection != 'unknown_routes' ORDER BY collection, scope, key"
    digest = hashlib.sha256(repr(_rows(local, documents)).encode())
    for path in sorted(local.cloud.state.repositories.rglob("*")):
        if path.is_file() and ("refs" in path.parts or path.name in {"HEAD", "packed-refs"}):
            digest.update(path.read_bytes())
    for path in sorted(local.cloud.state.databases.glob("*.sqlite3")):
        with closing(sqlite3.connect(path)) as connection:
            digest.update("".join(connection.iterdump()).encode())
    return digest.hexdigest()
