"""D1's SQL against the D1 that workerd brings along: the same rows, the same texts of errors."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local_cloud.d1 import D1Error, Databases, Query
from local_cloud.edge.capnp import literal
from local_cloud.edge.workers import OWN_DATE
from overskill.checkout_copy import free_ports

ASKED = """
export default {
  async fetch(request, env) {
    const told = [];
    for (const [sql, ...params] of await request.json()) {
      try {
        const { results, meta } = await env.DB.prepare(sql).bind(...params).all();
        told.push([results, meta.changes, meta.last_row_id]);
      } catch (error) {
        told.push(error.message);
      }
    }
    return Response.json(told);
  },
};
"""
OFFSET = re.compile(r" at offset \d+")
"""Of an error in the text of a statement: Python's SQLite keeps it to itself."""

PRAGMAS = (
    """
analysis_limit = 3, application_id, auto_vacuum, busy_timeout = 3, cache_size, case_sensitive_like = ON,
case_sensitive_like = OFF, collation_list, compile_options, database_list, defer_foreign_keys,
defer_foreign_keys = ON, encoding, foreign_key_check, foreign_key_check(t), foreign_key_list(t), foreign_keys,
foreign_keys = OFF, foreign_keys, freelist_count, function_list, ignore_check_constraints = ON,
ignore_check_constraints = OFF, incremental_vacuum, index_info(sqlite_autoindex_t_1), index_list(t),
index_xinfo(sqlite_autoindex_t_1), integrity_check, journal_mode, legacy_alter_table = ON, legacy_alter_table
= OFF, module_list, optimize(1), page_count, page_size, pragma_list, quick_check, recursive_triggers = ON,
recursive_triggers = OFF, reverse_unordered_selects = OFF, schema_version, table_info(t), table_xinfo(t),
user_version, user_version = 3, writable_schema = ON
""".replace("\n", " ")
    .strip()
    .split(", ")
)

STATEMENTS: list[list[Any]] = [
    ["CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, n INTEGER)"],
    ["INSERT INTO t (name, n) VALUES (?, ?)", "a", 5],
    ["INSERT INTO t (name, n) VALUES ('b', 1), ('c', 2) RETURNING id, name"],
    ["INSERT INTO t (name) VALUES ('a')"],
    ["INSERT INTO t (name) VALUES (NULL)"],
    ["UPDATE t SET n = n + 1"],
    ["DELETE FROM t WHERE id = 99"],
    ["INSERT INTO t (name, n) VALUES ('blob', ?)", [1, 2, 3]],
    ["INSERT INTO t (name) VALUES (?)", 7],
    ["INSERT INTO t (name) VALUES (1.5)"],
    ["SELECT *, typeof(name), typeof(n) FROM t ORDER BY id"],
    ["SELECT ?1 AS a, typeof(?1) AS t, 'x' || ?1 AS c", 1],
    ["SELECT ?1 AS a, typeof(?1) AS t", "text\x00with NUL"],
    ["SELECT ?2 AS b, ?1 AS a", 1, None],
    ["SELECT :a AS x", 5],
    ["SELECT 1 AS a, 2 AS a"],
    ["SELECT 1 AS a WHERE 0"],
    ["SELECT zeroblob(2) AS z, x'0102' AS b, 9007199254740993 AS big, 1e400 AS inf, 1.0 AS one, 1.5 AS f, NULL AS n"],
    ["SELECT ?, ?", 1],
    ["SELECT 1", 2],
    ["SELECT 1; SELECT 2 AS b"],
    ["SELECT ?1; SELECT ?1", 1],
    ["SELECT 1 -- c\n;"],
    ["SELECT 1;;"],
    [""],
    [";"],
    ["-- only"],
    ["SELECT * FROM nope"],
    ["SELECT nope FROM t"],
    ["SELEC 1"],
    ["SELECT 1,"],
    ["SELECT 'unterminated"],
    ["SELECT abs(-9223372036854775808)"],
    ["SELECT regexp_like('a', 'b')"],
    *([word] for word in ("BEGIN", "BEGIN IMMEDIATE", "COMMIT", "END", "ROLLBACK", "SAVEPOINT x", "RELEASE x")),
    ["ATTACH ':memory:' AS x"],
    ["VACUUM"],
    ["CREATE TEMP TABLE x (a)"],
    ["CREATE TABLE _cf_x (a)"],
    ["CREATE VIRTUAL TABLE s USING dbstat(main)"],
    ["CREATE VIRTUAL TABLE f USING fts5(a)"],
    ["SELECT sqlite_version()"],
    *([f"PRAGMA {pragma}"] for pragma in PRAGMAS),
    ["SELECT name FROM pragma_table_info('t')"],
    ["SELECT file FROM pragma_database_list"],
    [f"SELECT {','.join('?' * 101)}", *range(101)],
    [f"SELECT '{'a' * 100_000}'"],
    [f"SELECT 'a' LIKE '{'b' * 51}'"],
    [" UNION ".join(f"SELECT {number}" for number in range(6))],
    [f"CREATE TABLE wide ({','.join(f'c{number}' for number in range(101))})"],
    ["CREATE TABLE p (id INTEGER PRIMARY KEY)"],
    ["CREATE TABLE c (p REFERENCES p (id))"],
    ["INSERT INTO c VALUES (7)"],
    ["CREATE TABLE checked (a CHECK (a > 1))"],
    ["INSERT INTO checked VALUES (0)"],
    ["CREATE TRIGGER counted AFTER INSERT ON t BEGIN UPDATE t SET n = 1; SELECT 1; END"],
    ["INSERT INTO t (name) VALUES ('triggers')"],
    ["CREATE VIEW v AS SELECT * FROM t"],
    ["SELECT count(*) FROM v"],
    ["ALTER TABLE p ADD COLUMN x"],
    ["INSERT INTO p VALUES (1, 1, 1)"],
    ["SELECT json_extract('{\"a\":1}', '$.a') AS a, unixepoch('2020-01-01') AS u"],
    ["SELECT * FROM json_each('[1]')"],
]


@pytest.fixture(scope="module")
def reference(workerd_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Worker that runs statements in workerd's own D1."""
    directory = tmp_path_factory.mktemp("reference")
    (directory / "disk").mkdir()
    (port,) = free_ports(1)
    database = {"name": "d1", "props": {"json": json.dumps({"database": "one"})}}
    d1 = {
        "modules": [{"name": "d1", "bundled": "/workerd/d1.js"}],
        "compatibilityDate": OWN_DATE,
        "durableObjectNamespaces": [{"className": "D1Database", "uniqueKey": "d1", "enableSql": True}],
        "durableObjectStorage": {"localDisk": "disk"},
        "bindings": [{"name": "DATABASE", "durableObjectNamespace": "D1Database"}],
    }
    fetcher = {"name": "fetcher", "service": database}
    main = {
        "modules": [{"name": "main.js", "esModule": ASKED}],
        "compatibilityDate": OWN_DATE,
        "bindings": [
            {"name": "DB", "wrapped": {"moduleName": "cloudflare-internal:d1-api", "innerBindings": [fetcher]}}
        ],
    }
    services = [
        {"name": "main", "worker": main},
        {"name": "d1", "worker": d1},
        {"name": "disk", "disk": {"path": str(directory / "disk"), "writable": True}},
    ]
    sockets = [{"name": "http", "address": f"127.0.0.1:{port}", "http": {}, "service": "main"}]
    whole = literal({"services": services, "sockets": sockets})
    path = directory / "workerd.capnp"
    path.write_text(f'using Workerd = import "/workerd/workerd.capnp";\nconst config :Workerd.Config = {whole};\n')
    with subprocess.Popen([workerd_binary, "serve", "--experimental", str(path)]) as process:
        try:
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.kill()


def answer(url: str) -> list[Any]:
    deadline = time.monotonic() + 10
    while True:
        try:
            return httpx.post(url, json=STATEMENTS, timeout=60, trust_env=False).raise_for_status().json()
        except httpx.ConnectError:  # workerd is still starting
            assert time.monotonic() < deadline
            time.sleep(0.05)


def outcome(databases: Databases, sql: str, params: list[Any]) -> Any:
    try:
        (result,) = databases.run("one", [Query(sql=sql, params=params)])
    except D1Error as error:
        return f"D1_ERROR: {error}"
    return [result.objects, result.meta["changes"], result.meta["last_row_id"]]


def test_statements_do_what_they_do_in_workerds_d1(reference: str, tmp_path: Path) -> None:
    databases = Databases(tmp_path)
    ours = [outcome(databases, sql, params) for sql, *params in STATEMENTS]
    databases.close()
    theirs = [OFFSET.sub("", one) if isinstance(one, str) else one for one in answer(reference)]
    differing = [pair for pair in zip(STATEMENTS, ours, theirs, strict=True) if pair[1] != pair[2]]
    assert differing == []
