"""The records: read in pages by who may read them, and the audit held against its chain by a command."""

import datetime as dt
from collections.abc import Iterator

import httpx
import pytest
import sqlalchemy as sa
from server_process import Installation
from server_thread import serving
from typer.testing import CliRunner

from control_plane import access, audit, deployments
from control_plane.deployments import Progress
from control_plane.tables import AuditEntry, Event
from overskill.audit_command import audit as audit_commands
from overskill.errors import CommandError

START = dt.datetime(2025, 11, 24, 12, tzinfo=dt.UTC)
APPS = ["alpha", "beta", "gamma", "shop", "store"]


def run(installation: Installation, script: str, run_id: int, status: deployments.Status = "succeeded") -> None:
    """A run of `shop`, so many minutes after the start."""
    environment = "staging" if script.startswith("staging-") else "production"
    told = {"app_id": "shop", "environment": environment, "script": script, "commit": f"c{run_id}", "status": status}
    at = START + dt.timedelta(minutes=run_id)
    with installation.database.writing() as session:
        deployments.record(session, Progress(**told, run_id=run_id, run_attempt=1, at=at))


@pytest.fixture
def api(installation: Installation) -> Iterator[httpx.Client]:
    """Five apps, four runs of one of them."""
    installation.declare(*APPS)
    for number in (2, 1, 3):  # the first run is told of after the second
        run(installation, "shop", number)
    run(installation, "staging-shop", 9, "failed")
    with serving(installation.plane()) as client:
        client.headers["Authorization"] = f"Bearer {installation.token}"
        yield client


def pages(api: httpx.Client, path: str, **params: str | int) -> Iterator[list[dict]]:
    """Each page of a list in turn."""
    following: str | int | None = ""
    while following is not None:
        place = {"after": following} if following else {}
        answer = api.get(path, params={**params, **place}).raise_for_status().json()
        following = answer["next"]
        yield answer["items"]


def test_apps_are_listed_in_pages_and_found_by_id_and_name(api):
    listed = list(pages(api, "/api/apps", limit=2))
    assert [[app["id"] for app in page] for page in listed] == [["alpha", "beta"], ["gamma", "shop"], ["store"]]
    assert [app["id"] for (app,) in pages(api, "/api/apps", q="SHO")] == ["shop"]
    assert list(pages(api, "/api/apps", q="%")) == [[]]


def test_an_app_has_its_addresses_and_the_newest_deployment_of_each_environment(api):
    app = api.get("/api/apps/shop").json()
    assert app["environments"]["production"]["url"] == "http://shop.overskill.localhost:8788/"
    newest = {name: place["deployment"] for name, place in app["environments"].items()}
    assert newest["production"]["run"] == {"id": 3, "attempt": 1}
    assert newest["staging"]["status"] == "failed"
    assert newest["preview"] is None


def test_the_newest_deployment_is_that_of_the_last_run_whatever_was_told_first(installation, api):
    for number in (30, 20):
        run(installation, "shop", number)
    newest = api.get("/api/apps/shop").json()["environments"]["production"]["deployment"]
    assert newest["run"]["id"] == 30


def test_deployments_are_listed_in_pages_while_others_are_made(installation, api):
    walk = pages(api, "/api/apps/shop/deployments", limit=2)
    first = next(walk)
    run(installation, "shop", 50)
    assert [row["run"]["id"] for row in first] == [9, 3]
    assert [[row["run"]["id"] for row in page] for page in walk] == [[1, 2]]
    (staging,) = pages(api, "/api/apps/shop/deployments", script="staging-shop")
    assert [row["script"] for row in staging] == ["staging-shop"]
    assert api.get(f"/api/deployments/{staging[0]['id']}").json() == staging[0]


def test_the_audit_is_listed_by_subject_and_actor(installation, api):
    with installation.database.writing() as session:
        audit.append(session, audit.Deed("operator:anna", "app.suspend", "app:shop", origin="10.0.0.1"))
    (of_shop,) = pages(api, "/api/audit", subject="app:shop")
    assert [entry["action"] for entry in of_shop] == ["app.suspend", "app.create"]
    (by_anna,) = pages(api, "/api/audit", actor="operator:anna")
    assert (by_anna[0]["origin"], by_anna[0]["subject"]) == ("10.0.0.1", "app:shop")
    with installation.database.reading() as session:
        kept, _ = audit.verify(session)
    assert sum(len(page) for page in pages(api, "/api/audit", limit=2)) == kept > len(APPS)


def test_what_is_not_there_is_told(api):
    expected = {
        "/api/apps/nobody": 404,
        "/api/apps/nobody/deployments": 404,
        "/api/apps/a%00b": 400,
        "/api/apps?q=a%00b": 400,
        "/api/deployments/999": 404,
        f"/api/deployments/{2**63}": 422,
        "/api/apps?limit=201": 422,
        "/api/audit?after=-1": 422,
    }
    assert {path: api.get(path).status_code for path in expected} == expected


def test_each_list_needs_its_scope(installation, api):
    needed = {
        "/api/apps": "apps:read",
        "/api/apps/shop": "apps:read",
        "/api/apps/shop/deployments": "deployments:read",
        "/api/deployments/1": "deployments:read",
        "/api/audit": "audit:read",
        "/api/notifications": "events:read",
    }
    for scope in sorted(set(needed.values())):
        with installation.database.writing() as session:
            token = access.issue(session, scope, [scope])
        answers = {path: api.get(path, headers={"Authorization": f"Bearer {token}"}).status_code for path in needed}
        assert answers == {path: 200 if needed[path] == scope else 403 for path in needed}
    answers = {path: api.get(path, headers={"Authorization": ""}).status_code for path in needed}
    assert answers == dict.fromkeys(needed, 401)


def test_a_database_whose_audit_was_changed_is_found_by_the_command(installation, monkeypatch):
    installation.declare(*APPS)
    monkeypatch.setenv("OVERSKILL_DATABASE_URL", installation.database_url)
    whole = CliRunner().invoke(audit_commands, ["verify"])
    assert whole.exit_code == 0, whole.output
    anchor = whole.stdout.rpartition(" ")[2].strip()
    assert whole.stdout.startswith("5 entries, unchanged.")
    with installation.database.writing() as session:
        session.execute(sa.update(AuditEntry).where(AuditEntry.id == 3).values(actor="operator:mallory"))
    changed = CliRunner().invoke(audit_commands, ["verify", "--anchor", anchor])
    assert (isinstance(changed.exception, CommandError), changed.stdout) == (True, "")
    assert "entry 3 (app.create, app:gamma" in str(changed.exception)


def test_events_of_a_deploy_carry_the_record_that_the_api_has(installation, api):
    with installation.database.reading() as session:
        event = session.scalars(sa.select(Event).where(Event.type == "deploy.failed")).one()
    assert api.get(f"/api/deployments/{event.data['id']}").json() == event.data
