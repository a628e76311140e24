"""SQL for a D1 database: it runs beside other calls, those of one database one after the other."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field, model_validator

from local_cloud.call import Aside, Call, Strict
from local_cloud.cloudflare.d1 import DATABASE, database_of
from local_cloud.cloudflare.dialect import refusal
from local_cloud.d1 import D1Error, Query, Result, split
from local_cloud.routing import RouteTable

routes = RouteTable(permission="D1")

Byte = Annotated[int, Field(ge=0, le=255)]


class Statements(Strict):
    """One or several; the last one takes the parameters."""

    sql: str
    params: list[str | bool | int | float | list[Byte] | None] = Field(default_factory=list)

    def queries(self) -> list[Query]:
        *others, last = split(self.sql) or [self.sql]
        return [*(Query(sql=sql) for sql in others), Query(sql=last, params=self.params)]


class Asked(Strict):
    sql: str | None = None
    params: list[Any] | None = None
    batch: list[Statements] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "Asked":
        if (self.sql is None) == (self.batch is None) or (self.batch is not None and self.params is not None):
            raise ValueError("must have either sql, with or without params, or batch")
        return self


@routes.on("POST", f"{DATABASE}/query")
def query(call: Call) -> Aside:
    """All statements in one transaction. A result for each: `{results: [{column: value}], success, meta}`."""
    return _run(call, lambda result: result.objects)


@routes.on("POST", f"{DATABASE}/raw")
def raw(call: Call) -> Aside:
    """As `query`, with rows as lists: `{results: {columns, rows}, success, meta}`."""
    return _run(call, lambda result: {"columns": result.columns, "rows": result.rows})


def _run(call: Call, shape: Callable[[Result], Any]) -> Aside:
    asked, database = call.json(Asked), database_of(call)["uuid"]
    batch = asked.batch
    if batch is None:
        batch = [call.checked(Statements, {"sql": asked.sql, "params": asked.params or []})]
    queries = [one for statements in batch for one in statements.queries()]

    def work() -> list[dict[str, Any]]:
        try:
            results = call.cloud.databases.run(database, queries)
        except D1Error as error:
            raise refusal(400, 7500, str(error)) from None
        return [{"results": shape(result), "success": True, "meta": result.meta} for result in results]

    return Aside(resource=database, work=work)
