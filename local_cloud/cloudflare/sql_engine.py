"""DuckDB over the data points of one dataset: in memory, for one query, without files or network, and not for ever."""

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from math import isfinite
from typing import Any

import duckdb

from local_cloud.cloudflare.sql_translation import TABLE, SqlError, literal
from local_cloud.store import Document

SECONDS = 5.0
"""How long a query may take: all other calls wait for it."""
MEMORY = "512MB"

_FIELDS = '[{"timestamp": "BIGINT", "index1": "VARCHAR", "blobs": ["VARCHAR"], "doubles": ["DOUBLE"]}]'
_LOCKED = "SET enable_external_access = false; SET lock_configuration = true"
_TYPES = {
    "BIGINT": "Int64",
    "BOOLEAN": "UInt8",
    "DATE": "Date",
    "DOUBLE": "Float64",
    "HUGEINT": "UInt64",
    "INTEGER": "Int32",
    "TIMESTAMP": "DateTime",
    "UBIGINT": "UInt64",
    "UHUGEINT": "UInt64",
    "UINTEGER": "UInt32",
    "USMALLINT": "UInt16",
    "UTINYINT": "UInt8",
    "VARCHAR": "String",
}
"""Of the engine, in ClickHouse's words."""
_WIDE = frozenset({"Int64", "UInt64"})
"""Types whose values ClickHouse puts in quotes: JSON's numbers are too short for them."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """An answer: names, types in ClickHouse's words, and rows as JSON has them."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def run(sql: str, dataset: str | None, points: Iterable[Document]) -> Table:
    """What `sql`, a translation, says about the points of a dataset. Raises `SqlError`."""
    with duckdb.connect(":memory:", config={"memory_limit": MEMORY, "threads": 1}) as connection:
        if dataset is not None:
            _load(connection, dataset, points)
        connection.execute(_LOCKED)
        try:
            with _limited(connection):
                result = connection.execute(sql)
                found = result.fetchall()
        except duckdb.InterruptException:
            raise SqlError(f"the query took more than {SECONDS:g} s") from None
        except duckdb.Error as error:
            raise SqlError(str(error).splitlines()[0]) from None
        types = tuple(_type(str(column[1])) for column in result.description)
        rows = [tuple(_shown(value, kind) for value, kind in zip(row, types, strict=True)) for row in found]
        return Table(names=tuple(column[0] for column in result.description), types=types, rows=rows)


@contextmanager
def _limited(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    timer = threading.Timer(SECONDS, connection.interrupt)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _load(connection: duckdb.DuckDBPyConnection, dataset: str, points: Iterable[Document]) -> None:
    columns = [
        f"{literal(dataset)} AS dataset",
        "date_trunc('second', make_timestamp(timestamp // 1000)) AS timestamp",
        "CAST(1 AS UINTEGER) AS _sample_interval",
        "index1",
        *(f"coalesce(blobs[{number}], '') AS blob{number}" for number in range(1, 21)),
        *(f"doubles[{number}] AS double{number}" for number in range(1, 21)),
    ]
    rows = "SELECT unnest(from_json(CAST(? AS JSON), ?), recursive := true)"
    connection.execute(f"CREATE TABLE stored AS {rows}", [json.dumps(list(points)), _FIELDS])
    # A view: of the 44 columns, those are made that are asked for.
    view = f"CREATE VIEW {TABLE} AS SELECT {', '.join(columns)} FROM stored"  # noqa: S608 - all of it is ours
    connection.execute(view)


def _type(engine_type: str) -> str:
    if engine_type.endswith("[]"):
        return f"Array({_type(engine_type.removesuffix('[]'))})"
    return _TYPES.get(engine_type, "Float64" if engine_type.startswith("DECIMAL") else engine_type)


def _shown(value: Any, kind: str) -> Any:
    """A value as JSON has it."""
    match value:
        case list():
            return [_shown(one, kind[len("Array(") : -1]) for one in value]
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M:%S")
        case date():
            return value.isoformat()
        case float():
            return value if isfinite(value) else None
        case int():
            return str(value) if kind in _WIDE else int(value)
    return value
