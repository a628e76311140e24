"""D1 as workerd's client asks for it, `cloudflare-internal:d1-api`."""

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_cloud.d1 import D1Error, Databases, Query, Result, bookmark
from local_cloud.edge.resources import D1_HEADER
from local_cloud.store import Document, Reader
from local_cloud.writes import Writes

BOOKMARK = "x-cf-d1-session-commit-token"
"""Sent by a session with its constraint or its last bookmark, and answered with the next one."""


def routes(reader: Reader, databases: Databases, writes: Writes) -> list[Route]:
    """`POST /query` and `/execute`: `{sql, params}`, or several in a list, all of them in one transaction.

    200 in any case: `[{success: true, results, meta}]`, or `{success: false, error}`.
    """

    async def query(request: Request) -> Response:
        database, sent = request.headers[D1_HEADER], await request.json()
        if not reader.get("d1_databases", "", database):
            return _failed(f"The database {database} could not be found")
        queries = [_query(one) for one in (sent if isinstance(sent, list) else [sent])]
        try:
            results = await writes.beside(database, partial(databases.run, database, queries))
        except D1Error as error:
            return _failed(str(error))
        shape = _rows if request.query_params.get("resultsFormat") == "ROWS_AND_COLUMNS" else _objects
        answers = [{"success": True, "results": shape(result), "meta": result.meta} for result in results]
        return JSONResponse(answers, headers={BOOKMARK: bookmark()} if BOOKMARK in request.headers else {})

    return [Route(path, query, methods=["POST"]) for path in ("/query", "/execute")]


def _query(sent: Document) -> Query:
    return Query(sql=sent["sql"], params=sent.get("params") or [])


def _rows(result: Result) -> Any:
    return {"columns": result.columns, "rows": result.rows}


def _objects(result: Result) -> Any:
    return result.objects


def _failed(error: str) -> Response:
    return JSONResponse({"success": False, "error": error})
