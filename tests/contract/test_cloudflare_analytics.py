"""Analytics Engine: the binding, and what was written, asked in SQL."""

import pytest
from contract_service import upload

from local_cloud.edge.workers import DATASET_PREFIX
from local_cloud.edge_data import keep_data_point

SQL = "/accounts/{account}/analytics_engine/sql"
SECOND = 10**9


def point(dataset, timestamp, index, blobs, doubles):
    """As workerd sends it."""
    return {
        "dataset": list(f"{DATASET_PREFIX}{dataset}".encode()),
        "timestamp": str(timestamp),
        "index1": list(index.encode()),
        **{f"blob{number}": list(blob.encode()) for number, blob in enumerate(blobs, 1)},
        **{f"double{number}": doubles.get(number, 0) for number in range(1, 21)},
    }


@pytest.fixture
def dataset(local, name):
    """A dataset with three data points; its name."""
    dataset = name.replace("-", "_")
    store = local.cloud.store
    with store.transaction():
        for second, (index, blobs, doubles) in enumerate(
            [("abc", ["ok", "it's"], {1: 1.5}), ("def", ["no", "", "ü"], {20: 2}), ("abc", ["no"], {})]
        ):
            keep_data_point(store, point(dataset, second * SECOND + 7, index, blobs, doubles))
    return dataset


def ask(cf, *words):
    return cf.post(SQL, content=" ".join(words).encode())


def test_the_datasets_that_were_written_to(cf, dataset):
    found = ask(cf, "SHOW TABLES")
    assert found["meta"] == [{"name": "dataset", "type": "String"}]
    assert {"dataset": dataset} in found["data"]
    assert found["rows"] == len(found["data"])
    assert cf.get(SQL, params={"query": "show tables format json"}) == found


def test_all_columns(cf, dataset):
    found = ask(cf, "SELECT * FROM", dataset, "LIMIT 1")
    types = {column["name"]: column["type"] for column in found["meta"]}
    assert len(types) == 44
    assert [types[name] for name in ("dataset", "timestamp", "_sample_interval", "index1", "blob20", "double20")] == [
        *("String", "DateTime", "UInt32", "String", "String", "Float64")
    ]
    (row,) = found["data"]
    assert row.keys() == types.keys()
    named = {name: value for name, value in row.items() if value not in ("", 0)}
    assert named == {
        "dataset": dataset,
        "timestamp": "1970-01-01 00:00:00",
        "_sample_interval": 1,
        "index1": "abc",
        "blob1": "ok",
        "blob2": "it's",
        "double1": 1.5,
    }


@pytest.mark.parametrize(
    ("rest", "rows"),
    [
        ("", [("abc", "ok"), ("def", "no"), ("abc", "no")]),
        ("ORDER BY timestamp", [("abc", "ok"), ("def", "no"), ("abc", "no")]),
        ("order by timestamp asc limit all", [("abc", "ok"), ("def", "no"), ("abc", "no")]),
        ("ORDER BY timestamp DESC LIMIT 2 FORMAT JSON;", [("abc", "no"), ("def", "no")]),
        ("WHERE index1 = 'abc' AND blob1 = 'no'", [("abc", "no")]),
        ("WHERE blob2 = 'it''s'", [("abc", "ok")]),
        ("WHERE blob3 = 'ü'", [("def", "no")]),
        ("WHERE blob1 = 'none'", []),
    ],
)
def test_rows(cf, dataset, rest, rows):
    found = ask(cf, "SELECT index1, blob1 FROM", dataset, rest)
    assert found["data"] == [{"index1": index, "blob1": blob} for index, blob in rows]
    assert found["rows"] == len(rows)
    assert [column["name"] for column in found["meta"]] == ["index1", "blob1"]


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("SELECT sum(double1) FROM {}", "sum ( double1 ) FROM"),
        ("SELECT blob1 AS host FROM {}", "AS host FROM"),
        ("SELECT blob21 FROM {}", "blob21 FROM"),
        ("SELECT 'text'", "'text'"),
        ("SELECT blob1 FROM {} WHERE double1 = '1'", "double1 = '1'"),
        ("SELECT blob1 FROM {} WHERE blob1 = 1", ": 1 "),
        ("SELECT blob1 FROM {} WHERE blob1 = 'a' OR blob1 = 'b'", "OR blob1 = 'b'"),
        ("SELECT blob1 FROM {} WHERE timestamp > NOW()", "timestamp > NOW ( )"),
        ("SELECT blob1 FROM {} GROUP BY blob1", "GROUP BY blob1"),
        ("SELECT blob1 FROM {} ORDER BY blob1", "blob1 "),
        ("SELECT blob1 FROM {} LIMIT 1 OFFSET 1", "OFFSET 1"),
        ("SELECT blob1 FROM {} FORMAT TabSeparated", "TabSeparated"),
        ("SHOW TIMEZONES", "TIMEZONES"),
        ("DROP TABLE {}", "DROP TABLE"),
        ("", "the end of the query"),
    ],
)
def test_what_is_not_served_is_refused_and_named(cf, dataset, query, part):
    answer = cf.send("POST", SQL, content=query.format(dataset).encode())
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert part in answer.text


def test_a_dataset_that_nothing_was_written_to_is_no_table(cf, local):
    answer = cf.send("POST", SQL, content=b"SELECT * FROM nothing")
    assert (answer.status_code, answer.text) == (422, "unable to find type of table: nothing")


def test_a_worker_is_bound_to_a_dataset(cf, local, name, cleanup):
    script = f"/accounts/{{account}}/workers/scripts/{name}"
    cleanup(lambda: cf.send("DELETE", script))
    binding = {"type": "analytics_engine", "name": "AE", "dataset": "usage"}
    cf.put(script, files=upload({"bindings": [binding]}))
    assert cf.get(f"{script}/settings")["result"]["bindings"] == [binding]
    wrong = upload({"bindings": [{**binding, "dataset": ""}]})
    assert "dataset" in cf.refused("PUT", script, 400, files=wrong)[1]
