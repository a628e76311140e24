"""Analytics Engine: the binding, and what was written, asked in SQL."""

import pytest
from contract_service import upload

from local_cloud.edge_data.analytics import keep_data_points

SQL = "/accounts/{account}/analytics_engine/sql"
SECOND = 1000


@pytest.fixture
def dataset(local, name):
    """A dataset with three data points; its name."""
    dataset = name.replace("-", "_")
    store = local.cloud.store
    points = [("abc", ["ok", "it's"], [1.5]), ("def", ["no", "", "ü"], [*[0] * 19, 2]), ("abc", ["no"], [])]
    with store.transaction():
        keep_data_points(
            store,
            [
                {"dataset": dataset, "timestamp": n * SECOND + 7, "index": index, "blobs": blobs, "doubles": doubles}
                for n, (index, blobs, doubles) in enumerate(points)
            ],
        )
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
    ("selected", "value", "kind"),
    [
        ("count()", "3", "UInt64"),
        ("count(DISTINCT index1)", "2", "UInt64"),
        ("SUM(_sample_interval * double1) / SUM(_sample_interval)", 0.5, "Float64"),
        ("sumIf(double1, index1 = 'abc')", 1.5, "Float64"),
        ("max(timestamp)", "1970-01-01 00:00:02", "DateTime"),
        ("quantileExactWeighted(0.99)(double1, _sample_interval)", 1.5, "Float64"),
        ("topK(1)(index1)", ["abc"], "Array(String)"),
    ],
)
def test_aggregates(cf, dataset, selected, value, kind):
    found = ask(cf, f"SELECT {selected} AS it FROM", dataset)
    assert (found["data"], found["meta"]) == ([{"it": value}], [{"name": "it", "type": kind}])


def test_groups_in_time(cf, dataset):
    query = "SELECT toStartOfInterval(timestamp, INTERVAL '2' SECOND) AS t, count() AS n FROM"
    found = ask(cf, query, dataset, "WHERE timestamp < NOW() - INTERVAL '1' DAY GROUP BY t HAVING n > 0 ORDER BY t")
    rows = [("1970-01-01 00:00:00", "2"), ("1970-01-01 00:00:02", "1")]
    assert [tuple(row.values()) for row in found["data"]] == rows


def test_formats(cf, dataset):
    query = f"SELECT index1, double1, blob1 LIKE 'o%' AS ok FROM {dataset} LIMIT 2 FORMAT"  # noqa: S608
    each = cf.send("POST", SQL, content=f"{query} JSONEachRow")
    assert each.text == '{"index1": "abc", "double1": 1.5, "ok": 1}\n{"index1": "def", "double1": 0.0, "ok": 0}\n'
    tabs = cf.send("POST", SQL, content=f"{query} TabSeparated")
    assert (tabs.text, tabs.headers["content-type"]) == ("abc\t1.5\t1\ndef\t0.0\t0\n", "text/plain; charset=utf-8")


def test_time_zones(cf):
    assert {"timezone": "Europe/Berlin"} in ask(cf, "SHOW TIMEZONES")["data"]
    assert ask(cf, "SHOW TIMEZONE")["data"] == [{"timezone": "Etc/UTC"}]


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("SELECT blob21 FROM {}", '"blob21" not found'),
        ("SELECT blob1 FROM {} WHERE blob1 = 1", "Could not convert"),
        ("SELECT uniq(blob1) FROM {}", "function uniq with 1 arguments"),
        ("SELECT blob1 FROM {} FORMAT CSV", "FORMAT CSV"),
        ("SHOW DATABASES", "SHOW DATABASES"),
        ("DROP TABLE {}", "one SELECT or SHOW"),
        ("", "one SELECT or SHOW"),
    ],
)
def test_what_is_not_served_is_refused_and_named(cf, dataset, query, part):
    answer = cf.send("POST", SQL, content=query.format(dataset).encode())
    assert (answer.status_code, answer.headers["content-type"]) == (422, "text/plain; charset=utf-8")
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
