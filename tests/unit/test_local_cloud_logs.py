"""What the local cloud keeps of the logs of Workers."""

import pytest

from local_cloud import logs
from local_cloud.logs import MAX_CHARACTERS, MAX_KEPT, Query
from local_cloud.store import Store


@pytest.fixture
def store(tmp_path):
    opened = Store(tmp_path / "cloud.sqlite3")
    yield opened
    opened.close()


def said(message, timestamp_ms=1_000, **more):
    return {"timestamp_ms": timestamp_ms, "level": "log", "message": message, "outcome": "ok", **more}


def append(store, *entries, script="app"):
    with store.transaction():
        logs.append(store, "apps", script, entries)


def read(store, script="app", **query):
    return logs.read(store, Query(namespace="apps", script=script, **query))


def test_entries_are_given_back_as_they_were_in_the_order_of_their_time(store):
    request = {"method": "GET", "url": "http://app.localhost/"}
    entries = [said("first", 5), said("second", 7, stack="at index.js:1", request=request)]
    append(store, *entries)
    append(store, said("another's"), script="other")
    found = read(store)
    assert [{name: value for name, value in entry.items() if name != "key"} for entry in found] == entries


def test_a_reader_goes_on_behind_the_last_key(store):
    append(store, said("a", 5), said("b", 5))
    key = read(store)[-1]["key"]
    assert read(store, after=key) == []
    append(store, said("late", 3), said("c", 5), said("d", 9))
    assert [entry["message"] for entry in read(store, after=key)] == ["late", "c", "d"]
    assert [entry["message"] for entry in read(store, after=key, limit=2)] == ["late", "c"]
    assert [entry["message"] for entry in read(store, after="")] == ["a", "b", "late", "c", "d"]


def test_the_newest_are_shown(store):
    append(store, *(said(str(number), number) for number in range(5)))
    assert [entry["message"] for entry in read(store, limit=2)] == ["3", "4"]


def test_the_oldest_make_room(store):
    append(store, *(said(str(number), number) for number in range(MAX_KEPT - 1)))
    append(store, said("other"), script="other")
    append(store, said("x", 10**6), said("y", 10**6), said("z", 10**6))
    found = read(store, limit=MAX_KEPT)
    assert (len(found), found[0]["message"], found[-1]["message"]) == (MAX_KEPT, "2", "z")
    assert len(read(store, script="other")) == 1


def test_a_long_message_is_cut(store):
    append(store, said("m" * MAX_CHARACTERS), said("m" * (MAX_CHARACTERS + 3), stack="s" * (MAX_CHARACTERS + 1)))
    whole, cut = read(store)
    assert whole["message"] == "m" * MAX_CHARACTERS
    assert cut["message"] == "m" * MAX_CHARACTERS + "… (3 more characters)"
    assert cut["stack"].endswith("s… (1 more characters)")
