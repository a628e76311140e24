"""D1 databases, by name; what is asked of them is in `d1_queries.py`."""

import uuid
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import Field

from local_cloud.call import Call, Strict
from local_cloud.cloudflare.dialect import Page, now, page, refusal
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="D1")

DATABASES = "/accounts/{account}/d1/database"
DATABASE = f"{DATABASES}/{{database}}"

FIELDS = ("uuid", "name", "version", "created_at", "jurisdiction")
"""Of a database in a list."""


class NewDatabase(Strict):
    """Where it is to be changes nothing here: it is kept, and shown."""

    name: Annotated[str, Field(min_length=1)]
    primary_location_hint: Literal["wnam", "enam", "weur", "eeur", "apac", "oc"] | None = None
    jurisdiction: Literal["eu", "fedramp", "us"] | None = None


@routes.on("POST", DATABASES)
def create_database(call: Call) -> dict[str, Any]:
    sent = call.json(NewDatabase)
    if _named(call, sent.name):
        raise refusal(400, 7502, "A database with that name already exists")
    database = {"uuid": str(uuid.uuid4()), "name": sent.name, "version": "production", "created_at": now()}
    if sent.jurisdiction:
        database["jurisdiction"] = sent.jurisdiction
    if sent.primary_location_hint:
        database["running_in_region"] = sent.primary_location_hint.upper()
    call.store.put("d1_databases", "", database["uuid"], database)
    return _described(call, database)


@routes.on("GET", DATABASES)
def list_databases(call: Call) -> Page:
    """`name` is a whole name."""
    wanted = call.filters("name", "page", "per_page").get("name")
    databases = sorted(call.store.values("d1_databases", ""), key=lambda one: one["created_at"])
    found = [database for database in databases if wanted in {None, database["name"]}]
    return page(call, [{field: one[field] for field in FIELDS if field in one} for one in found])


@routes.on("GET", DATABASE)
def get_database(call: Call) -> dict[str, Any]:
    """By id or by name; `fields` says what of it is wanted, separated by commas."""
    fields = call.filters("fields").get("fields")
    database = call.store.get("d1_databases", "", call["database"]) or _named(call, call["database"])
    if not database:
        raise _missing(call)
    described = _described(call, database)
    return (
        described if fields is None else {field: described[field] for field in fields.split(",") if field in described}
    )


@routes.on("DELETE", DATABASE)
def delete_database(call: Call) -> None:
    """A Worker that is bound to it can ask nothing any more."""
    database = database_of(call)["uuid"]
    call.store.delete("d1_databases", "", database)
    call.store.clear("d1_imports", database)
    call.after_commit.append(partial(call.cloud.databases.remove, database))


def database_of(call: Call) -> Document:
    """The database whose id is in the call's path; refused with 7404 if there is none."""
    try:
        identifier = str(uuid.UUID(call["database"]))
    except ValueError:
        raise call.invalid("databaseId", "Invalid uuid") from None
    database = call.store.get("d1_databases", "", identifier)
    if not database:
        raise _missing(call)
    return database


def _named(call: Call, name: str) -> Document | None:
    return next((one for one in call.store.values("d1_databases", "") if one["name"] == name), None)


def _missing(call: Call) -> Exception:
    return refusal(404, 7404, f"The database {call['database']} could not be found")


def _described(call: Call, database: Document) -> dict[str, Any]:
    files, identifier = call.cloud.databases, database["uuid"]
    sizes = {"file_size": files.size(identifier), "num_tables": files.tables(identifier)}
    return {**database, **sizes, "read_replication": {"mode": "disabled"}}
