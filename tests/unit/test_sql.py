"""Analytics Engine's SQL: what the engine makes of it, and what never reaches it."""

from typing import Any

import pytest

from local_cloud.cloudflare import sql_engine
from local_cloud.cloudflare.sql import Query, parse
from local_cloud.cloudflare.sql_engine import Table, run
from local_cloud.cloudflare.sql_translation import SqlError

MINUTE = 60 * 10**9
START = 1_700_000_000 * 10**9
POINTS = [
    {
        "timestamp": START + number * MINUTE,
        "index1": "abc" if number % 3 else "b",
        "blobs": ["x", str(number % 4)],
        "doubles": [float(number), *[0.0] * 19],
    }
    for number in range(10)
]


def ask(query: str) -> Table:
    parsed = parse(query)
    assert isinstance(parsed, Query)
    return run(parsed.sql, parsed.dataset, POINTS)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("position('l' IN 'hello')", "3"),
        ("extract(SECOND from toDateTime('2022-06-06 11:30:15'))", 15),
        ("toDateTime(355924804)", "1981-04-12 12:00:04"),
        ("toDateTime('355924804')", "1981-04-12 12:00:04"),
        ("toDateTime('2022-12-01 16:17:00', 'America/New_York')", "2022-12-01 21:17:00"),
        ("formatDateTime(toDateTime('2022-12-01 01:17:00'), '%F %H:%i', 'America/New_York')", "2022-11-30 20:17"),
        ("toStartOfWeek(toDateTime('2025-10-29 00:00:00'))", "2025-10-27 00:00:00"),
        ("toDayOfWeek(toDateTime('2025-11-02 00:00:00'))", 7),
        ("toStartOfFifteenMinutes(toDateTime('2025-10-27 16:55:25'))", "2025-10-27 16:45:00"),
        (
            "toStartOfInterval(toDateTime('2025-10-27 03:00:00'), INTERVAL '1' DAY, 'America/New_York')",
            "2025-10-26 04:00:00",
        ),
        ("toYYYYMM(toDateTime('2025-10-27 16:55:25'))", 202510),
        ("toUnixTimestamp(toDateTime('1970-01-02 00:00:00'))", 86400),
        ("intDiv(7, 2)", "3"),
        ("ceil(3.14, 1)", 3.2),
        ("pow(2, 3)", 8.0),
        ("if(1 < 2, 'yes', 'no')", "yes"),
        ("bitHammingDistance(3, 0)", 2),
        ("format('a {} b {}', 1, 'c')", "a 1 b c"),
        ("substring('hello world', 7)", "world"),
        ("length('üb')", "2"),
        ("'it''s' LIKE 'it_s' AND NOT 'a' IN ('b', 'c')", 1),
        ("'ABC' NOT ILIKE 'a%'", 0),
        ("5 BETWEEN 1 AND 5", 1),
        ("-7 % 4", -3),
        ("1 / 0", None),
        ("startsWith('prefix', 'pre') = true", 1),
        ("toUInt8('12')", 12),
    ],
)
def test_expressions(expression: str, value: Any) -> None:
    assert ask(f"SELECT {expression} AS it").rows == [(value,)]


def test_now_and_today_are_the_same_all_through_a_query() -> None:
    assert ask("SELECT now() = NOW() AND today() <= now() AS it").rows == [(1,)]


@pytest.mark.parametrize(
    ("aggregate", "value"),
    [
        ("quantileExactWeighted(0.5)(double1, _sample_interval)", 4.0),
        ("quantileWeighted(0.5, double1, _sample_interval)", 4.0),
        ("topK(2)(index1)", ["abc", "b"]),
        ("topKWeighted(1)(blob2, double1)", ["1"]),
        ("argMax(blob2, double1)", "1"),
        ("first_value(double1) + last_value(double1)", 9.0),
        ("sum(DISTINCT toUInt8(blob2))", "6"),
        ("avgIf(double1, index1 = 'b')", 4.5),
        ("countIf(index1 = 'b')", "4"),
    ],
)
def test_aggregates(aggregate: str, value: Any) -> None:
    assert ask(f"SELECT {aggregate} AS it FROM t").rows == [(value,)]  # noqa: S608


def test_nothing_adds_up_to_nothing() -> None:
    assert ask("SELECT sum(double1), count(), avg(double1) FROM t WHERE blob1 = 'none'").rows == [(0.0, "0", None)]


def test_a_column_without_a_name_has_its_own_text() -> None:
    assert ask("SELECT sum(double1), blob1 FROM t GROUP BY blob1").names == ("sum(double1)", "blob1")


def test_a_query_of_a_query() -> None:
    query = "SELECT max(n) AS most FROM (SELECT blob2 AS name, count() AS n FROM t GROUP BY name) LIMIT ALL"
    assert ask(query).rows == [("3",)]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM other.t",
        "SELECT * FROM a JOIN b",
        "SELECT * FROM (SELECT * FROM a) WHERE x IN (SELECT 1 FROM b)",
        "SELECT blob1 FROM t UNION ALL SELECT blob1 FROM t",
        "WITH x AS (SELECT 1) SELECT * FROM x",
        "SELECT DISTINCT blob1 FROM t",
        "SELECT count(*) FROM t",
        "SELECT t.blob1 FROM t",
        "SELECT blob1::String FROM t",
        "SELECT CASE WHEN 1 THEN 2 END",
        "SELECT sum(double1) OVER () FROM t",
        "SELECT (SELECT 1)",
        "SELECT 1; SELECT 2",
        "SELECT blob1 FROM t FINAL",
        "SELECT blob1 FROM t LIMIT 1 BY blob1",
        "SELECT blob1 FROM t GROUP BY blob1 WITH ROLLUP",
        "SELECT blob1 FROM t SETTINGS max_threads = 8",
        "SELECT * EXCEPT (blob1) FROM t",
        "SELECT timestamp - INTERVAL '1' WEEK FROM t",
        "SELECT round(1, 2, 3)",
        "SELECT formatDateTime(now(), '%Z')",
        "SHOW TABLES LIKE 'x'",
        "INSERT INTO t VALUES (1)",
        "ATTACH 'x'",
    ],
)
def test_what_is_not_documented_never_reaches_the_engine(query: str) -> None:
    with pytest.raises(SqlError):
        parse(query)


def test_the_engine_has_neither_files_nor_an_end_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for forbidden in ("SELECT * FROM read_text('/etc/passwd')", "SET threads = 8", "ATTACH '/tmp/x.db'"):
        with pytest.raises(SqlError, match=r"(?i)disabled|locked"):
            run(forbidden, None, [])
    monkeypatch.setattr(sql_engine, "SECONDS", 0.2)
    with pytest.raises(SqlError, match="took more than"):
        run("SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b", None, [])
