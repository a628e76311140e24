"""The state directory: its owner, its keys, and a start after whatever happened before."""

import asyncio
import dataclasses
import sqlite3
import threading
import time

import pytest

from local_cloud import snapshots as snapshots_module
from local_cloud.edge.model import Bundle, Domain, Module, Record, Route, Split
from local_cloud.edge_view import EdgeView
from local_cloud.opening import open_cloud
from local_cloud.serving import ready_line
from local_cloud.settings import Settings
from local_cloud.snapshots import Snapshots
from local_cloud.state import StateDirectory, StateError
from local_cloud.store import Reader
from local_cloud.writes import Writes


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "workerd").touch()
    return Settings(
        state=tmp_path / "state",
        api_port=1,
        edge_port=2,
        workerd=tmp_path / "workerd",
        account="0" * 32,
        workers_subdomain="overskill",
        zones=("overskill.localhost",),
        organizations=("overskill",),
    )


@pytest.fixture
def state(settings):
    directory = StateDirectory(settings.state)
    directory.acquire()
    yield directory
    directory.release()


@pytest.fixture
def cloud(settings, state):
    opened = open_cloud(settings, state)
    yield opened
    opened.store.close()


@pytest.fixture
def view(cloud):
    reader = Reader(cloud.state.database)
    yield EdgeView(reader, cloud.vault)
    reader.close()


def test_a_directory_has_one_owner(state):
    with pytest.raises(StateError, match=r"in use by another local cloud, process \d+: stop it"):
        StateDirectory(state.path).acquire()


def test_keys_are_made_once_and_private(state):
    credentials = state.credentials()
    assert credentials.cloudflare_token.startswith("local-cloudflare-")
    assert credentials.github_token.startswith("local-github-")
    sealed = state.vault().seal("secret")
    assert state.credentials() == credentials
    assert state.vault().open(sealed) == "secret"
    for name in ("credentials.json", "secret.key"):
        assert (state.path / name).stat().st_mode & 0o777 == 0o600


def test_credentials_of_before_the_app_are_completed(state):
    path = state.path / "credentials.json"
    path.write_text('{"cloudflare_token": "a", "github_token": "b"}')
    credentials = state.credentials()
    assert (credentials.cloudflare_token, credentials.github_token) == ("a", "b")
    assert credentials.github_app_id.isdecimal()
    assert "PRIVATE KEY" in credentials.github_private_key
    assert credentials.page_key.startswith("local-page-")
    assert state.credentials() == credentials
    assert path.stat().st_mode & 0o777 == 0o600


def test_damaged_keys_are_refused_with_the_way_out(cloud, state):
    key = state.path / "secret.key"
    key.write_bytes(b"short")
    with pytest.raises(StateError, match="put the key back"):
        state.vault()
    key.unlink()
    with pytest.raises(StateError, match=r"secret\.key is gone"):
        state.vault()
    (state.path / "credentials.json").write_text("{}")
    with pytest.raises(StateError, match=r"rm .*credentials\.json"):
        state.credentials()


def test_a_state_of_another_account_is_refused(cloud, settings, state):
    with pytest.raises(StateError, match=f"belongs to account {'0' * 32}"):
        open_cloud(dataclasses.replace(settings, account="1" * 32), state)


def test_a_later_start_adds_what_the_settings_add(cloud, settings, state):
    (zone,) = cloud.store.values("zones", "")
    more = dataclasses.replace(settings, zones=("overskill.localhost", "b.example"), organizations=("other",))
    again = open_cloud(more, state)
    assert sorted(one["name"] for one in again.store.values("zones", "")) == ["b.example", "overskill.localhost"]
    assert again.store.get("zones", "", zone["id"]) == zone
    assert [one["login"] for one in again.store.values("organizations", "")] == ["other", "overskill"]
    again.store.close()


def test_a_restore_that_was_cut_off_is_ended_by_the_next_start(cloud, settings, state, monkeypatch):
    cloud.repositories.create("overskill", "app", "# app\n")
    with cloud.store.transaction():
        cloud.store.put("repositories", "overskill", "app", {"owner": "overskill", "name": "app"})
    snapshots = Snapshots(cloud)
    snapshots.take("first")
    with cloud.store.transaction():
        cloud.store.delete("repositories", "overskill", "app")
    monkeypatch.setattr("local_cloud.snapshots.shutil.copytree", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        snapshots.restore("first")
    monkeypatch.undo()
    again = open_cloud(settings, state)
    assert again.store.get("repositories", "overskill", "app")
    assert again.repositories.has_commits("overskill", "app")
    again.store.close()


def test_putting_a_snapshot_back_does_not_make_it_newer(cloud):
    snapshots = Snapshots(cloud)
    snapshots.take("first")
    taken = snapshots.taken()
    time.sleep(0.02)
    snapshots.restore("first")
    assert snapshots.taken() == taken


def test_what_deleting_a_snapshot_leaves_half_done_is_no_snapshot(cloud, monkeypatch):
    snapshots = Snapshots(cloud)
    snapshots.take("first")
    remove = snapshots_module.shutil.rmtree
    monkeypatch.setattr(
        snapshots_module.shutil, "rmtree", lambda path, ignore_errors=False: ignore_errors or remove(path / "none")
    )
    with pytest.raises(FileNotFoundError):
        snapshots.delete("first")
    monkeypatch.undo()
    assert snapshots.taken() == []
    snapshots.take("first")
    snapshots.delete("first")
    assert list(cloud.state.snapshots.iterdir()) == []


def test_the_pages_key_is_told_to_a_terminal_only(cloud, monkeypatch):
    key = cloud.credentials.page_key
    for terminal in (True, False):
        monkeypatch.setattr("sys.stdout.isatty", lambda shown=terminal: shown)
        assert (key in ready_line(cloud)) is terminal


def code(store, vault, body=b"export default {}"):
    return {
        "main_module": "index.js",
        "modules": [
            {"name": "index.js", "content_type": "application/javascript+module", "blob": store.put_blob(body)}
        ],
        "bindings": [
            {"type": "plain_text", "name": "A", "text": "b"},
            {"type": "secret_text", "name": "S", "sealed": vault.seal("open")},
        ],
        "compatibility_date": "2026-01-01",
        "compatibility_flags": ["nodejs_compat"],
    }


def write_account(cloud):
    store = cloud.store
    (zone,) = store.values("zones", "")
    with store.transaction():
        for name, deployed in (("live", {"shares": {"v": 100}, "on": ""}), ("never", None)):
            worker = {"id": name, "name": name, "deployed": deployed, "subdomain": {"enabled": True}}
            store.put("workers", "", name, worker)
        store.put("versions", "live", "v", {"code": code(store, cloud.vault)})
        store.put("routes", zone["id"], "r", {"id": "r", "pattern": "*.overskill.localhost/*"})
        record = {"name": "a.overskill.localhost", "type": "A", "content": "192.0.2.1", "proxied": True}
        store.put("dns_records", zone["id"], "d", record)
        store.put("domains", "", "d", {"hostname": "h.overskill.localhost", "service": "live"})
        store.put("namespaces", "", "apps", {"namespace_id": "n", "trusted_workers": False})
        store.put("namespace_scripts", "n", "app", {"code": code(store, cloud.vault)})


def test_the_edge_sees_all_that_it_has_to_serve(cloud, view):
    write_account(cloud)
    account = view.account()
    version = account.workers[0].version
    bundle = Bundle(
        name="live",
        main_module="index.js",
        modules=(Module(name="index.js", content_type="application/javascript+module", body=b"export default {}"),),
        compatibility_date="2026-01-01",
        compatibility_flags=("nodejs_compat",),
        bindings=(
            {"type": "plain_text", "name": "A", "text": "b"},
            {"type": "secret_text", "name": "S", "text": "open"},
        ),
        version=version,
    )
    assert account.workers == (bundle,)
    assert account.workers_dev == {"live"}
    assert (account.workers_subdomain, account.zones) == ("overskill", ("overskill.localhost",))
    zone = "overskill.localhost"
    assert account.routes == (Route(zone=zone, pattern="*.overskill.localhost/*", script=None),)
    record = Record(zone=zone, name="a.overskill.localhost", type="A", content="192.0.2.1", proxied=True)
    assert account.records == (record,)
    assert account.domains == (Domain(hostname="h.overskill.localhost", script="live"),)
    script = view.namespace_script("apps", "app")
    assert script is not None
    assert dataclasses.replace(script, name="live", version=version) == bundle
    assert view.namespace_script("apps", "none") is None
    assert view.namespace_script("none", "app") is None
    assert (view.has_namespace("apps"), view.has_namespace("none")) == (True, False)


def test_the_edge_sees_both_versions_of_a_split(cloud, view):
    write_account(cloud)
    store = cloud.store
    shares = {"v": 0, "w": 100}
    with store.transaction():
        store.put("versions", "live", "w", {"code": code(store, cloud.vault, b"export default 1")})
        worker = store.get("workers", "", "live")
        store.put("workers", "", "live", {**worker, "deployed": {"shares": shares, "on": ""}})
    (split,) = view.account().workers
    assert isinstance(split, Split)
    assert {version.id: version.percentage for version in split.versions} == shares
    assert [version.bundle.modules[0].body for version in split.versions] == [b"export default {}", b"export default 1"]
    assert {split.name, *(version.bundle.name for version in split.versions)} == {"live"}


def test_a_version_changes_with_the_code(cloud, view):
    write_account(cloud)
    before = view.namespace_script("apps", "app")
    assert before == view.namespace_script("apps", "app")
    with cloud.store.transaction():
        script = {"code": code(cloud.store, cloud.vault, b"export default 1")}
        cloud.store.put("namespace_scripts", "n", "app", script)
    after = view.namespace_script("apps", "app")
    assert before and after
    assert before.version != after.version


def test_a_version_changes_with_the_trust_of_the_namespace(cloud, view):
    write_account(cloud)
    before = view.namespace_script("apps", "app")
    with cloud.store.transaction():
        cloud.store.put("namespaces", "", "apps", {"namespace_id": "n", "trusted_workers": True})
    after = view.namespace_script("apps", "app")
    assert (before.trusted, after.trusted) == (False, True)
    assert before.version != after.version


class Edge:
    """Takes down how many Workers it is shown; raises what `refuse` holds."""

    def __init__(self, view):
        self.view, self.shown, self.refreshed, self.refuse = view, [], 0, None

    async def reload(self):
        self.shown.append(len(self.view.account().workers))
        if self.refuse:
            raise self.refuse

    async def refresh(self):
        self.refreshed += 1


def deploy(cloud):
    worker = {"id": "live", "name": "live", "deployed": {"shares": {"v": 100}}, "subdomain": {"enabled": False}}
    cloud.store.put("versions", "live", "v", {"code": code(cloud.store, cloud.vault)})
    cloud.store.put("workers", "", "live", worker)
    return "done"


def test_the_edge_is_shown_a_write_before_it_is_committed(cloud, view):
    edge, committed = Edge(view), []
    writes = Writes(cloud.store, view, edge)
    actions = [lambda: committed.append(len(view.account().workers))]
    assert asyncio.run(writes.run(lambda: deploy(cloud), actions)) == "done"
    assert (edge.shown, committed) == ([1], [1])
    asyncio.run(writes.run(lambda: cloud.store.put("repositories", "o", "r", {})))
    assert edge.shown == [1]


def test_what_the_edge_refuses_is_not_stored(cloud, view):
    edge, committed = Edge(view), []
    edge.refuse = ValueError("it does not start")
    with pytest.raises(ValueError, match="it does not start"):
        asyncio.run(Writes(cloud.store, view, edge).run(lambda: deploy(cloud), [lambda: committed.append(1)]))
    assert (view.account().workers, committed) == ((), [])


def test_a_write_that_cannot_be_committed_is_taken_back_from_the_edge(cloud, view):
    class ClosingEdge(Edge):
        async def reload(self):
            await super().reload()
            cloud.store.close()

    edge = ClosingEdge(view)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        asyncio.run(Writes(cloud.store, view, edge).run(lambda: deploy(cloud)))
    assert edge.shown == [1, 0]


def test_nothing_is_replaced_while_folders_change(cloud, view):
    done = []

    async def push(writes, number):
        async with writes.aside():
            await asyncio.sleep(0.01)
            await writes.run(lambda: done.append(number))

    async def everything():
        writes = Writes(cloud.store, view, Edge(view))
        pushes = [asyncio.create_task(push(writes, number)) for number in range(20)]
        await asyncio.sleep(0)
        replaced = [asyncio.create_task(writes.replace(lambda: done.append("replaced"))) for _ in range(2)]
        await asyncio.gather(*pushes, *replaced)

    asyncio.run(everything())
    assert sorted(map(str, done)) == sorted([*map(str, range(20)), "replaced", "replaced"])
    assert done.index("replaced") >= 8


def test_who_watches_a_collection_is_told_after_the_commit(cloud, view):
    writes, seen = Writes(cloud.store, view, Edge(view)), []
    writes.watch("outbox", lambda: seen.append(len(cloud.store.values("outbox", ""))))
    asyncio.run(writes.run(lambda: cloud.store.put("refs", "1", "", {})))
    asyncio.run(writes.run(lambda: cloud.store.put("outbox", "", "1", {})))
    with pytest.raises(ZeroDivisionError):
        asyncio.run(writes.run(lambda: cloud.store.put("outbox", "", "2", {"id": 1 / 0})))
    assert seen == [1]


def test_what_runs_beside_holds_up_its_resource_and_replacements_alone(cloud, view):
    ended, release = [], threading.Event()

    def slow():
        release.wait(5)
        ended.append("slow")

    async def run():
        writes = Writes(cloud.store, view, Edge(view))
        waiting = [
            asyncio.create_task(writes.beside("one", slow)),
            asyncio.create_task(writes.beside("one", lambda: ended.append("same"))),
        ]
        await asyncio.sleep(0)
        await writes.beside("two", lambda: ended.append("other"))
        await writes.run(lambda: ended.append("call"))
        waiting.append(asyncio.create_task(writes.replace(lambda: ended.append("replaced"))))
        await asyncio.sleep(0.05)
        release.set()
        await asyncio.gather(*waiting)

    asyncio.run(run())
    assert ended[:3] == ["other", "call", "slow"]
    assert sorted(ended[3:]) == ["replaced", "same"]
