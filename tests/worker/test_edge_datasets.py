"""Analytics Engine as a binding of account Workers, in a real workerd over a real store."""

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from edge_harness import EMPTY, RunningEdge, bundle, serve

from local_cloud.edge_data import analytics
from local_cloud.store import Document, Reader, Store

WORKER = """
const evaluate = {
  bytes: (text) => new TextEncoder().encode(text),
  missing: () => undefined,
  notANumber: () => NaN,
  big: () => 1n,
};
const revive = (_key, value) => (value?.make ? evaluate[value.make](value.of) : value);
export default {
  async fetch(request, env) {
    try {
      for (const [binding, ...args] of JSON.parse(await request.text(), revive)) {
        const returned = env[binding].writeDataPoint(...args);
        if (returned !== undefined) throw new Error("it returns something");
      }
      return new Response("served");
    } catch ({ name, message }) {
      return new Response(`${name}: ${message}`, { status: 555 });
    }
  },
};
"""
BINDINGS = (
    {"type": "analytics_engine", "name": "AE", "dataset": "usage"},
    {"type": "analytics_engine", "name": "OTHER", "dataset": "other_usage"},
)
WORKERS = tuple(bundle(name, WORKER, bindings=BINDINGS) for name in ("one", "two"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cloud.sqlite3"
    Store(path).close()
    return path


@pytest.fixture
def edge(workerd_binary: Path, tmp_path: Path, file: Path) -> Iterator[RunningEdge]:
    account = replace(EMPTY, workers=WORKERS, workers_dev=frozenset({"one", "two"}))
    with serve(workerd_binary, tmp_path, account, store=file) as running:
        yield running


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many points came with each POST."""
    sizes: list[int] = []
    keep = analytics.keep_data_points

    def counted(store: Store, sent: list[Document]) -> None:
        keep(store, sent)
        sizes.append(len(sent))

    monkeypatch.setattr(analytics, "keep_data_points", counted)
    return sizes


def write(edge: RunningEdge, *calls: list[Any], worker: str = "one") -> str:
    options = {"method": "POST", "content": json.dumps(calls), "headers": {"connection": "close"}}
    return edge.get(f"{worker}.overskill.workers.localhost", **options).text


def kept(file: Path, count: int, dataset: str = "usage") -> list[Document]:
    """The points of a dataset, once there are `count`: a Worker does not wait for them."""
    reader, deadline = Reader(file), time.monotonic() + 5
    try:
        while reader.count("data_points", dataset) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        return reader.values("data_points", dataset)
    finally:
        reader.close()


def test_a_data_point_is_kept(edge, file):
    before = time.time_ns()
    assert write(edge, ["AE", {"indexes": ["idx"], "blobs": ["a", "", "ü", "", ""], "doubles": [1, 2.5]}]) == "served"
    (point,) = kept(file, 1)
    assert abs(point.pop("timestamp") - before) < 5 * 10**9
    assert point == {"index1": "idx", "blobs": ["a", "", "ü"], "doubles": [1, 2.5, *[0] * 18]}
    reader = Reader(file)
    assert reader.values("datasets", "") == [{"name": "usage"}]
    reader.close()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ("", [], [])),
        ([None], ("", [], [])),
        ([{"blobs": {"make": "missing"}, "unknown": 1}], ("", [], [])),
        ([{"indexes": [None]}], ("", [], [])),
        ([{"indexes": [5], "blobs": [3, True, None, {}]}], ("5", ["3", "true", "", "[object Object]"], [])),
        ([{"blobs": [{"make": "bytes", "of": "hé"}, "\ud800x"]}], ("", ["hé", "\ufffdx"], [])),
        ([{"doubles": ["3", None, True, {"make": "notANumber"}, 2]}], ("", [], [3, 0, 1, 0, 2])),
        ([{"indexes": ["i" * 96], "blobs": ["b" * 16384]}], ("i" * 96, ["b" * 16384], [])),
        ([{"blobs": ["b"] * 20, "doubles": [1] * 20}], ("", ["b"] * 20, [1] * 20)),
    ],
    ids=str,
)
def test_what_is_written_is_taken_as_workerd_takes_it(edge, file, arguments, expected):
    assert write(edge, ["AE", *arguments]) == "served"
    (point,) = kept(file, 1)
    index, blobs, doubles = expected
    assert (point["index1"], point["blobs"]) == (index, blobs)
    assert point["doubles"] == [*doubles, *[0] * (20 - len(doubles))]


@pytest.mark.parametrize(
    ("point", "reason"),
    [
        ({"indexes": ["a", "b"]}, "Maximum of 1 indexes supported."),
        ({"indexes": ["ü" * 49]}, "Size of indexes[0] exceeds 96 bytes."),
        ({"blobs": ["b"] * 21}, "Maximum of 20 blobs supported."),
        ({"blobs": ["ü" * 8192, "b"]}, "Cumulative size of blobs exceeds 16384 bytes."),
        ({"doubles": [1] * 21}, "Maximum of 20 doubles supported."),
    ],
    ids=str,
)
def test_a_point_beyond_the_limits_is_dropped_and_the_request_is_served(edge, file, caplog, point, reason):
    assert write(edge, ["AE", point], ["AE", {"indexes": ["good"]}]) == "served"
    assert [one["index1"] for one in kept(file, 1)] == ["good"]
    assert f"writeDataPoint(): {reason} The data point is not recorded." in logged(caplog, reason)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("text", "Failed to execute 'writeDataPoint' on 'AnalyticsEngine': parameter 1 is not of type"),
        ({"blobs": "text"}, "Incorrect type for the 'blobs' field on 'AnalyticsEngineEvent'"),
        ({"indexes": None}, "Incorrect type for the 'indexes' field on 'AnalyticsEngineEvent'"),
        ({"doubles": 1}, "Incorrect type for the 'doubles' field on 'AnalyticsEngineEvent'"),
        ({"doubles": [{"make": "big"}]}, "Cannot convert a BigInt value to a number"),
    ],
    ids=str,
)
def test_what_is_of_a_wrong_type_throws(edge, argument, message):
    assert write(edge, ["AE", argument]).startswith(f"TypeError: {message}")


def test_points_travel_in_batches_in_their_order(edge, file, batches):
    for number in range(500):
        assert write(edge, ["AE", {"doubles": [number]}]) == "served"
    assert [point["doubles"][0] for point in kept(file, 500)] == list(range(500))
    assert sum(batches) == 500
    assert len(batches) < 250


def test_points_of_two_workers_and_two_datasets_at_once(edge, file, batches):
    """Each Worker has batches of its own, for all its datasets."""

    def one(number: int) -> str:
        point = {"doubles": [number]}
        return write(edge, ["AE", point], ["OTHER", point], worker=("one", "two")[number % 2])

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(one, range(500))) == {"served"}
    for dataset in ("usage", "other_usage"):
        assert sorted(point["doubles"][0] for point in kept(file, 500, dataset)) == list(range(500))
    assert sum(batches) == 1000
    assert len(batches) < 500


def test_what_cannot_be_kept_is_lost_alone_and_fails_no_request(edge, file, caplog, monkeypatch):
    keep: Callable[[Store, list[Document]], None] = analytics.keep_data_points

    def failing(_store: Store, _sent: list[Document]) -> None:
        raise sqlite3.OperationalError("disk full")

    monkeypatch.setattr(analytics, "keep_data_points", failing)
    assert write(edge, ["AE", {"indexes": ["lost"]}]) == "served"
    assert "1 data points are lost: the local cloud answers 500" in logged(caplog, "are lost")
    monkeypatch.setattr(analytics, "keep_data_points", keep)
    assert write(edge, ["AE", {"indexes": ["kept"]}]) == "served"
    assert [point["index1"] for point in kept(file, 1)] == ["kept"]


def test_points_are_not_lost_while_their_worker_is_replaced(edge, file):
    replaced = threading.Event()

    def steadily() -> int:
        number = 0
        while not replaced.is_set():
            assert write(edge, ["AE", {"doubles": [number]}]) == "served"
            number += 1
        return number

    with ThreadPoolExecutor(1) as threads:
        written = threads.submit(steadily)
        try:
            for number in range(5):
                edge.change(workers_dev=frozenset({"one", f"other{number}"}))
        finally:
            replaced.set()
    assert sorted(point["doubles"][0] for point in kept(file, written.result())) == list(range(written.result()))


def logged(caplog: pytest.LogCaptureFixture, part: str) -> str:
    """What workerd has written, once `part` is in it."""
    deadline = time.monotonic() + 5
    while part not in caplog.text and time.monotonic() < deadline:
        time.sleep(0.02)
    return caplog.text
