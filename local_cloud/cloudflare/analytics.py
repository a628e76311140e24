"""What Workers have written to Analytics Engine, asked in SQL: as much of it as `sql.py` reads."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from local_cloud.call import Answer, Call
from local_cloud.cloudflare.sql import Select, ShowTables, SqlError, parse
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="Account Analytics")

SQL = "/accounts/{account}/analytics_engine/sql"

Column = Callable[[str, Document], Any]


def _blob(index: int) -> Column:
    return lambda _, point: point["blobs"][index] if index < len(point["blobs"]) else ""


def _double(index: int) -> Column:
    return lambda _, point: point["doubles"][index]


def _timestamp(_: str, point: Document) -> str:
    return datetime.fromtimestamp(point["timestamp"] // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S")


COLUMNS: Mapping[str, tuple[str, Column]] = {
    "dataset": ("String", lambda dataset, _: dataset),
    "timestamp": ("DateTime", _timestamp),
    "_sample_interval": ("UInt32", lambda *_: 1),
    "index1": ("String", lambda _, point: point["index1"]),
    **{f"blob{index + 1}": ("String", _blob(index)) for index in range(20)},
    **{f"double{index + 1}": ("Float64", _double(index)) for index in range(20)},
}
"""Of every dataset: the type, in ClickHouse's words, and how to get it from a dataset's name and a data point."""


@routes.on("POST", SQL)
def post_sql(call: Call) -> Answer:
    """The body is the query. The answer has no envelope: `{meta: [{name, type}], data, rows}`, or plain text."""
    return _run(call, call.body.decode(errors="replace"))


@routes.on("GET", SQL)
def get_sql(call: Call) -> Answer:
    return _run(call, call.query.get("query", ""))


def _run(call: Call, query: str) -> Answer:
    try:
        match parse(query, {name: kind for name, (kind, _) in COLUMNS.items()}):
            case ShowTables():
                names = [{"dataset": dataset["name"]} for dataset in call.store.values("datasets", "")]
                return _table({"dataset": "String"}, names)
            case Select() as select:
                return _selected(call, select)
    except SqlError as error:
        return _plain(400, str(error))


def _selected(call: Call, select: Select) -> Answer:
    if not call.store.get("datasets", "", select.dataset):
        return _plain(422, f"unable to find type of table: {select.dataset}")
    points = call.store.values("data_points", select.dataset)
    rows = [
        {name: column(select.dataset, point) for name, (_, column) in COLUMNS.items()}
        for point in (reversed(points) if select.newest_first else points)
    ]
    found = [row for row in rows if all(row[name] == text for name, text in select.equal)][: select.limit]
    meta = {name: COLUMNS[name][0] for name in select.columns}
    return _table(meta, [{name: row[name] for name in select.columns} for row in found])


def _table(types: Mapping[str, str], rows: list[dict[str, Any]]) -> Answer:
    meta = [{"name": name, "type": kind} for name, kind in types.items()]
    return Answer(body={"meta": meta, "data": rows, "rows": len(rows)})


def _plain(status: int, message: str) -> Answer:
    return Answer(status=status, body=message.encode(), headers={"Content-Type": "text/plain; charset=utf-8"})
