"""What Workers have written to Analytics Engine, asked in SQL."""

import json
from zoneinfo import available_timezones

from local_cloud.call import Answer, Call
from local_cloud.cloudflare.sql import Query, Show, parse
from local_cloud.cloudflare.sql_engine import Table, run
from local_cloud.cloudflare.sql_translation import SqlError
from local_cloud.routing import RouteTable

routes = RouteTable(permission="Account Analytics")

SQL = "/accounts/{account}/analytics_engine/sql"


@routes.on("POST", SQL)
def post_sql(call: Call) -> Answer:
    """The body is the query. The answer has no envelope, but the form that the query names, or plain text."""
    return _run(call, call.body.decode(errors="replace"))


@routes.on("GET", SQL)
def get_sql(call: Call) -> Answer:
    return _run(call, call.query.get("query", ""))


def _run(call: Call, query: str) -> Answer:
    try:
        statement = parse(query)
        match statement:
            case Show(what=what):
                return _formatted(_listed(call, what), statement.format)
            case Query(dataset=dataset):
                if dataset is not None and not call.store.get("datasets", "", dataset):
                    return _plain(422, f"unable to find type of table: {dataset}")
                points = call.store.values("data_points", dataset) if dataset is not None else ()
                return _formatted(run(statement.sql, dataset, points), statement.format)
    except SqlError as error:
        return _plain(422, str(error))


def _listed(call: Call, what: str) -> Table:
    match what:
        case "TABLES":
            name, values = "dataset", [dataset["name"] for dataset in call.store.values("datasets", "")]
        case "TIMEZONES":
            name, values = "timezone", sorted(available_timezones())
        case _:
            name, values = "timezone", ["Etc/UTC"]
    return Table(names=(name,), types=("String",), rows=[(value,) for value in values])


def _formatted(table: Table, form: str) -> Answer:
    rows = [dict(zip(table.names, row, strict=True)) for row in table.rows]
    match form:
        case "JSON":
            meta = [{"name": name, "type": kind} for name, kind in zip(table.names, table.types, strict=True)]
            return Answer(body={"meta": meta, "data": rows, "rows": len(rows)})
        case "JSONEachRow":
            return _plain(200, "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows))
        case _:
            return _plain(200, "".join("\t".join(map(_cell, row)) + "\n" for row in table.rows))


def _cell(value: object) -> str:
    r"""A value of TabSeparated: a tab in it is `\t`, and no value `\N`."""
    if value is None:
        return r"\N"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    for plain, escaped in (("\\", r"\\"), ("\t", r"\t"), ("\n", r"\n"), ("\r", r"\r")):
        text = text.replace(plain, escaped)
    return text


def _plain(status: int, message: str) -> Answer:
    return Answer(status=status, body=message.encode(), headers={"Content-Type": "text/plain; charset=utf-8"})
