"""A file of SQL for a D1 database: announced, put where the answer says, taken up.

`wrangler d1 execute --file` makes these calls. Where a file is put is an address that allows that and nothing else, for
an hour, as an R2 URL that was signed beforehand does at Cloudflare.
"""

import json
import time
from typing import Annotated, Any, Literal
from urllib.parse import quote

from nacl.exceptions import CryptoError
from pydantic import Field

from local_cloud.call import Aside, Call, Strict
from local_cloud.cloud import Cloud
from local_cloud.cloudflare.d1 import DATABASE, database_of
from local_cloud.d1 import D1Error, Query, Result, bookmark, split
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="D1")

UPLOADS = "/_local/d1-imports"
VALID_SECONDS = 3600


class Init(Strict):
    """`etag` is the MD5 of the file, in hexadecimal digits."""

    action: Literal["init"]
    etag: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class Ingest(Strict):
    action: Literal["ingest"]
    etag: str
    filename: str


class Poll(Strict):
    action: Literal["poll"]
    current_bookmark: str


Step = Annotated[Init | Ingest | Poll, Field(discriminator="action")]


@routes.on("POST", f"{DATABASE}/import")
def import_sql(call: Call) -> dict[str, Any] | Aside:
    """`init` answers where to put the file, `ingest` runs it, in one transaction, and answers once that is done."""
    step, database = call.json(Step), database_of(call)["uuid"]
    match step:
        case Init(etag=etag):
            return _announced(call, database, etag)
        case Ingest(filename=filename, etag=etag):
            return _ingested(call, database, filename, etag)
        case _:
            return _failed("Not currently importing anything.")


def ticket_for(cloud: Cloud, database: str, filename: str) -> str:
    """Allows to put one file."""
    ticket = {"database": database, "filename": filename, "until": time.time() + VALID_SECONDS}
    return cloud.vault.seal(json.dumps(ticket))


def opened(cloud: Cloud, ticket: str) -> Document | None:
    """The `{database, filename}` that a ticket is for; None if it is none, or too old."""
    try:
        found = json.loads(cloud.vault.open(ticket))
    except (CryptoError, ValueError):
        return None
    return found if found["until"] > time.time() else None


def _announced(call: Call, database: str, etag: str) -> dict[str, Any]:
    filename = f"{database}.{etag}.sql"
    ticket = quote(ticket_for(call.cloud, database, filename), safe="")
    url = f"{call.cloud.settings.api_url}{UPLOADS}/{ticket}"
    return {"success": True, "type": "import", "filename": filename, "upload_url": url, "messages": []}


def _ingested(call: Call, database: str, filename: str, etag: str) -> Aside:
    uploaded = call.store.get("d1_imports", database, filename)
    if not uploaded or uploaded["etag"] != etag:
        raise call.invalid("filename", "No file with this name and etag was uploaded")
    call.store.delete("d1_imports", database, filename)
    sql = call.store.blob(uploaded["blob"]).decode(errors="replace")

    def work() -> dict[str, Any]:
        try:
            results = call.cloud.databases.run(database, [Query(sql=statement) for statement in split(sql)])
        except D1Error as error:
            return _failed(str(error))
        at = bookmark()
        result = {"num_queries": len(results), "final_bookmark": at, "meta": _together(results)}
        return {
            "success": True,
            "type": "import",
            "status": "complete",
            "at_bookmark": at,
            "messages": [f"Processed {len(results)} queries."],
            "result": result,
        }

    return Aside(resource=database, work=work)


def _failed(error: str) -> dict[str, Any]:
    return {"success": False, "type": "import", "status": "error", "error": error, "messages": []}


def _together(results: list[Result]) -> dict[str, Any]:
    """The meta of all: sums, except for what is true after the last one."""
    metas = [result.meta for result in results]
    sums = {name: sum(meta[name] for meta in metas) for name in ("duration", "changes", "rows_read", "rows_written")}
    changed = any(meta["changed_db"] for meta in metas)
    return {**metas[-1], **sums, "changed_db": changed, "timings": {"sql_duration_ms": sums["duration"]}}
