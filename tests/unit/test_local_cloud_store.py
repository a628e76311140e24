"""What the local cloud remembers, and what it takes to lose it."""

import os
import signal
import sqlite3
import subprocess
import sys

import pytest

from local_cloud.store import SCHEMA_VERSION, Reader, Store, StoreError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cloud.sqlite3"


@pytest.fixture
def store(path):
    opened = Store(path)
    yield opened
    opened.close()


def test_documents_by_collection_scope_and_key(store):
    with store.transaction():
        for key in ("b", "a", "c"):
            store.put("things", "one", key, {"key": key})
        store.put("things", "two", "a", {"key": "other"})
        store.put("things", "one", "a", {"key": "a", "again": True})
        store.delete("things", "one", "c")
    assert store.get("things", "one", "a") == {"key": "a", "again": True}
    assert store.get("things", "one", "c") is None
    assert list(store.items("things", "one")) == [("a", {"key": "a", "again": True}), ("b", {"key": "b"})]
    assert list(store.items("things", "one", after="a")) == [("b", {"key": "b"})]
    assert (store.count("things", "one"), store.count("things", "two")) == (2, 1)
    assert [(scope, key) for scope, key, _ in store.across("things")] == [("one", "a"), ("one", "b"), ("two", "a")]
    with store.transaction():
        store.clear("things", "one")
    assert store.values("things", "one") == []
    assert store.count("things", "two") == 1


def test_an_exception_undoes_the_whole_transaction(store):
    with store.transaction():
        store.put("things", "", "a", {"value": 1})
    with pytest.raises(KeyError), store.transaction():
        store.put("things", "", "a", {"value": 2})
        store.put_blob(b"body")
        store.next_number()
        raise KeyError
    assert store.get("things", "", "a") == {"value": 1}
    with store.transaction():
        assert store.next_number() == 1
        assert store.next_number() == 2


def test_a_transaction_knows_what_it_has_changed(store):
    with store.transaction():
        store.put("a", "", "x", {})
        store.delete("b", "", "x")
        store.clear("c", "")
        store.get("d", "", "x")
        assert store.changed == {"a", "b", "c"}
    with store.transaction():
        assert store.changed == set()


def test_a_reader_sees_what_is_committed(store, path):
    reader = Reader(path)
    with store.transaction():
        store.put("things", "", "a", {"value": 1})
        assert reader.get("things", "", "a") is None
    assert reader.get("things", "", "a") == {"value": 1}
    reader.close()


def test_bodies_are_kept_once_and_as_long_as_a_document_refers_to_them(store):
    with store.transaction():
        digest = store.put_blob(b"\x00body")
        assert store.put_blob(b"\x00body") == digest
        forgotten, value, manifest = (store.put_blob(body) for body in (b"other", b"value", b"manifest"))
        store.put("values", "", "a", {"blob": value})
        store.put("scripts", "", "a", {"code": {"modules": [{"name": "x", "blob": digest}]}})
        store.put("scripts", "", "b", {"code": {"modules": [], "assets": {"blob": manifest}}})
        store.put("other", "", "a", {"code": "no code"})
    store.sweep_blobs()
    assert [store.blob(kept) for kept in (digest, value, manifest)] == [b"\x00body", b"value", b"manifest"]
    with pytest.raises(TypeError):
        store.blob(forgotten)


def test_a_copy_is_put_back_whole(store, tmp_path):
    with store.transaction():
        digest = store.put_blob(b"body")
        store.put("things", "", "a", {"value": 1})
    store.copy_to(tmp_path / "copy")
    with store.transaction():
        store.put("things", "", "a", {"value": 2})
        store.put("things", "", "b", {})
    store.copy_from(None)
    assert store.values("things", "") == []
    store.copy_from(tmp_path / "copy")
    assert store.values("things", "") == [{"value": 1}]
    assert store.blob(digest) == b"body"


def test_an_unknown_schema_is_refused_with_the_way_out(path):
    Store(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(StoreError, match=rf"schema {SCHEMA_VERSION + 1}.*rm -r {path.parent}"):
        Store(path)


def test_kill_9_loses_what_is_not_committed_and_nothing_else(path):
    program = f"""
import os, signal
from pathlib import Path
from local_cloud.store import Store
store = Store(Path({str(path)!r}))
for number in range(20):
    with store.transaction():
        store.put("things", "", f"{{number:02}}", {{"body": store.put_blob(bytes([number]))}})
with store.transaction():
    store.put("things", "", "cut off", {{}})
    os.kill(os.getpid(), signal.SIGKILL)
"""
    run = subprocess.run([sys.executable, "-c", program], env=os.environ, check=False)
    assert run.returncode == -signal.SIGKILL
    store = Store(path)
    assert [key for key, _ in store.items("things", "")] == [f"{number:02}" for number in range(20)]
    assert store.blob(store.values("things", "")[7]["body"]) == b"\x07"
    store.close()
