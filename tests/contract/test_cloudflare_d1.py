"""D1 databases: made, listed, asked in SQL, filled from files."""

import hashlib
import threading
import time
import uuid

import httpx
import pytest
from contract_service import upload

from local_cloud.d1 import database as opened

DATABASES = "/accounts/{account}/d1/database"
TABLE = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE)"
FILLED = (
    "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE);\nINSERT INTO t (name) VALUES ('a;'), ('b');\n-- end\n"
)


@pytest.fixture
def database(cf, name, cleanup):
    """The path of a new database."""
    made = cf.post(DATABASES, json={"name": name})["result"]
    path = f"{DATABASES}/{made['uuid']}"
    cleanup(lambda: cf.send("DELETE", path))
    return path


def rows(cf, database, sql, *params):
    (answer,) = cf.post(f"{database}/query", json={"sql": sql, "params": list(params)})["result"]
    assert answer["success"]
    return answer["results"]


def test_a_database_is_made_listed_and_deleted(cf, name, database):
    identifier = database.rpartition("/")[2]
    made = cf.get(database)["result"]
    assert (made["uuid"], made["name"], made["version"]) == (str(uuid.UUID(identifier)), name, "production")
    assert made["num_tables"] == 0
    assert cf.get(f"{DATABASES}/{name}")["result"] == made
    assert cf.get(database, params={"fields": "uuid,name"})["result"] == {"uuid": identifier, "name": name}
    (listed,) = cf.get(DATABASES, params={"name": name})["result"]
    assert listed.items() <= made.items()
    assert cf.get(DATABASES, params={"name": f"{name}-other"})["result"] == []
    assert cf.refused("POST", DATABASES, 400, json={"name": name})[0] == 7502
    assert cf.delete(database)["result"] is None
    for method, path in (("GET", database), ("DELETE", database), ("POST", f"{database}/query")):
        body = {"sql": "SELECT 1"} if method == "POST" else None
        assert cf.refused(method, path, 404, json=body) == (7404, f"The database {identifier} could not be found")


def test_a_list_comes_in_pages(cf, local, name, cleanup):
    for number in range(3):
        made = cf.post(DATABASES, json={"name": f"{name}-{number}"})["result"]["uuid"]
        cleanup(lambda made=made: cf.send("DELETE", f"{DATABASES}/{made}"))
    whole = [one["name"] for one in cf.get(DATABASES, params={"per_page": "1000"})["result"]]
    assert whole[-3:] == [f"{name}-{number}" for number in range(3)]
    second = cf.get(DATABASES, params={"per_page": "2", "page": "2"})
    assert [one["name"] for one in second["result"]] == whole[2:4]
    assert second["result_info"]["total_count"] == len(whole)


def test_where_it_is_to_be_is_kept(cf, local, name, cleanup):
    made = cf.post(DATABASES, json={"name": name, "primary_location_hint": "weur", "jurisdiction": "eu"})["result"]
    cleanup(lambda: cf.send("DELETE", f"{DATABASES}/{made['uuid']}"))
    assert (made["running_in_region"], made["jurisdiction"]) == ("WEUR", "eu")
    assert cf.get(f"{DATABASES}/{name}")["result"] == made


def test_statements_are_run(cf, database):
    made, inserted = cf.post(f"{database}/query", json={"sql": FILLED})["result"]
    assert (made["results"], made["meta"]["changed_db"]) == ([], True)
    meta = inserted["meta"]
    assert (meta["changes"], meta["last_row_id"], meta["rows_written"] >= 2) == (2, 2, True)
    assert meta["size_after"] == cf.get(database)["result"]["file_size"]
    assert meta["duration"] >= 0
    assert rows(cf, database, "SELECT * FROM t WHERE name = ?", "b") == [{"id": 2, "name": "b"}]
    (answer,) = cf.post(f"{database}/raw", json={"sql": "SELECT id AS a, name AS a FROM t"})["result"]
    assert answer["results"] == {"columns": ["a", "a"], "rows": [[1, "a;"], [2, "b"]]}


def test_a_batch_is_run_whole_or_not_at_all(cf, database):
    rows(cf, database, TABLE)
    insert = "INSERT INTO t (name) VALUES (?)"
    batch = [{"sql": insert, "params": ["a"]}, {"sql": insert, "params": ["b"]}, {"sql": "SELECT count(*) AS n FROM t"}]
    answers = cf.post(f"{database}/query", json={"batch": batch})["result"]
    assert [answer["results"] for answer in answers] == [[], [], [{"n": 2}]]
    batch = [{"sql": insert, "params": ["c"]}, {"sql": insert, "params": ["a"]}]
    code, message = cf.refused("POST", f"{database}/query", 400, json={"batch": batch})
    assert (code, message.partition(":")[0]) == (7500, "UNIQUE constraint failed")
    assert rows(cf, database, "SELECT count(*) AS n FROM t") == [{"n": 2}]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 7400),
        ({"sql": "SELECT 1", "batch": []}, 7400),
        ({"sql": "SELECT ?", "params": [{}]}, 7400),
        ({"sql": "SELECT ?", "params": [[256]]}, 7400),
        ({"sql": "SELECT 1", "timeout": 1}, 7400),
        ({"batch": [{"params": []}]}, 7400),
        ({"sql": "SELEC 1"}, 7500),
        ({"sql": "SELECT ?"}, 7500),
        ({"sql": "-- nothing"}, 7500),
        ({"sql": "BEGIN"}, 7500),
    ],
)
def test_a_wrong_query_is_refused(cf, local, database, body, code):
    assert cf.refused("POST", f"{database}/query", 400, json=body)[0] == code


def test_an_id_is_a_uuid(cf, local):
    assert cf.refused("DELETE", f"{DATABASES}/name", 400) == (7400, "Invalid property: databaseId => Invalid uuid")


@pytest.mark.parametrize(
    "body", [{"name": ""}, {}, {"name": "x", "location": "here"}, {"name": "x", "jurisdiction": "?"}]
)
def test_a_wrong_database_is_refused(cf, local, body):
    assert cf.refused("POST", DATABASES, 400, json=body)[0] == 7400


def test_a_long_query_holds_up_no_other_call(cf, local, database, monkeypatch):
    monkeypatch.setattr(opened, "MAX_SECONDS", 2.0)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    outcome = []
    asking = threading.Thread(
        target=lambda: outcome.append(cf.refused("POST", f"{database}/query", 400, json={"sql": endless}))
    )
    asking.start()
    time.sleep(0.3)
    started = time.monotonic()
    cf.get("/zones")
    assert time.monotonic() - started < 1
    asking.join()
    assert outcome[0][0] == 7500
    assert "exceeded timeout" in outcome[0][1]


def put_file(cf, database, sql):
    """Announce and put a file of SQL; the call that has it taken up."""
    etag = hashlib.md5(sql, usedforsecurity=False).hexdigest()
    announced = cf.post(f"{database}/import", json={"action": "init", "etag": etag})["result"]
    assert announced["success"]
    url = httpx.URL(announced["upload_url"])
    base = cf.client.base_url  # the port in the settings of a local cloud in this process is none
    answer = httpx.put(url.copy_with(port=base.port), content=sql, trust_env=False)
    assert (answer.status_code, answer.headers["etag"]) == (200, f'"{etag}"')
    return {"action": "ingest", "etag": etag, "filename": announced["filename"]}


def test_a_file_is_imported(cf, local, database):
    ingest = put_file(cf, database, FILLED.encode())
    done = cf.post(f"{database}/import", json=ingest)["result"]
    assert (done["success"], done["status"], done["result"]["num_queries"]) == (True, "complete", 2)
    assert done["result"]["meta"]["rows_written"] >= 2
    assert rows(cf, database, "SELECT name FROM t") == [{"name": "a;"}, {"name": "b"}]
    assert cf.refused("POST", f"{database}/import", 400, json=ingest)[0] == 7400
    poll = {"action": "poll", "current_bookmark": done["at_bookmark"]}
    assert cf.post(f"{database}/import", json=poll)["result"]["error"] == "Not currently importing anything."


def test_a_file_with_an_error_changes_nothing(cf, local, database):
    ingest = put_file(cf, database, b"CREATE TABLE t (a); INSERT INTO nope VALUES (1);")
    failed = cf.post(f"{database}/import", json=ingest)["result"]
    assert (failed["success"], failed["status"]) == (False, "error")
    assert failed["error"] == "no such table: nope: SQLITE_ERROR"
    assert rows(cf, database, "SELECT * FROM sqlite_schema") == []


def test_only_a_ticket_opens_an_upload(cf, local, database, monkeypatch):
    made = cf.post(f"{database}/import", json={"action": "init", "etag": "0" * 32})["result"]
    url = httpx.URL(made["upload_url"]).copy_with(port=cf.client.base_url.port)
    assert httpx.put(url.copy_with(path="/_local/d1-imports/x"), content=b"", trust_env=False).status_code == 403
    later = time.time() + 3601
    monkeypatch.setattr("local_cloud.cloudflare.d1_imports.time.time", lambda: later)
    assert httpx.put(url, content=b"", trust_env=False).status_code == 403


def test_a_worker_is_bound_to_a_database_that_exists(cf, local, database, namespace, cleanup):
    identifier, name = database.rpartition("/")[2], namespace.rpartition("/")[2]
    script = f"/accounts/{{account}}/workers/scripts/{name}"
    cleanup(lambda: cf.send("DELETE", script))
    binding = {"type": "d1", "name": "DB", "id": identifier}
    cf.put(script, files=upload({"bindings": [binding]}))
    assert cf.get(f"{script}/settings")["result"]["bindings"] == [binding]
    assert dict(local.edge.served.workers[-1].bindings[0]) == binding
    code, message = cf.refused("PUT", script, 400, files=upload({"bindings": [{**binding, "id": str(uuid.uuid4())}]}))
    assert (code, message.partition(", ")[2]) == (10021, "which does not exist")


def test_a_databases_file_goes_with_it(cf, local, database):
    rows(cf, database, TABLE)
    file = local.cloud.state.databases / f"{database.rpartition('/')[2]}.sqlite3"
    assert file.exists()
    cf.delete(database)
    assert not file.exists()


def test_snapshots_have_the_databases(cf, local, database):
    rows(cf, database, TABLE)
    rows(cf, database, "INSERT INTO t (name) VALUES ('kept')")
    headers = {"Authorization": f"Bearer {cf.token}"}
    cf.client.post("/_local/snapshots/d1", headers=headers).raise_for_status()
    rows(cf, database, "DELETE FROM t")
    cf.client.post("/_local/snapshots/d1/restore", headers=headers).raise_for_status()
    assert rows(cf, database, "SELECT name FROM t") == [{"name": "kept"}]
