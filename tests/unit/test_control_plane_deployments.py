"""Deployments: whatever the order in which a run is told of, and however often, its row ends the same."""

import datetime as dt
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from control_plane import apps, deployments
from control_plane.database import Database
from control_plane.deployments import STATUSES, Progress
from control_plane.migration import migrate
from control_plane.tables import App, AuditEntry, Deployment, Event

START = dt.datetime(2025, 11, 24, 12, tzinfo=dt.UTC)


def declaration(app_id: str, repository_id: int) -> apps.Declaration:
    return apps.Declaration(
        app_id=app_id,
        display_name=app_id,
        plan="free",
        repository=f"overskill-apps/{app_id}",
        repository_id=repository_id,
        path_url=f"http://dispatch.localhost/app/{app_id}/",
        places={},
    )


def progress(status: deployments.Status, **more: Any) -> Progress:
    at = START + dt.timedelta(seconds=STATUSES.index(status))
    known = {"app_id": "abc123", "environment": "production", "script": "abc123", "run_id": 7, "run_attempt": 1}
    return Progress(**{**known, "commit": "c0ffee", "status": status, "at": at, **more})


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'control-plane.db'}")
    migrate(database)
    with database.writing() as session:
        apps.declare(session, declaration("abc123", 1), actor="system")
    yield database
    database.close()


def told(database: Database, *reports: Progress) -> dict[str, Any]:
    """Tell of a run, each report in a transaction of its own; the row that it ends with, as all see it."""
    for report in reports:
        with database.writing() as session:
            deployments.record(session, report)
    with database.reading() as session:
        return deployments.public(session.scalars(sa.select(Deployment).order_by(Deployment.id)).first())


def happened(database: Database) -> list[str]:
    with database.reading() as session:
        return [event.type for event in session.scalars(sa.select(Event).order_by(Event.id)) if event.type[:3] == "dep"]


def forgotten(database: Database) -> None:
    with database.writing() as session:
        session.execute(sa.delete(Deployment))


def test_a_run_is_one_row_with_the_time_of_each_phase(database):
    row = told(database, *map(progress, ["queued", "building", "uploaded", "succeeded"]))
    assert row["status"] == "succeeded"
    assert row["phases"] == {
        status: f"2025-11-24T12:00:0{second}.000+00:00"
        for status, second in [("queued", 0), ("building", 1), ("uploaded", 3), ("succeeded", 6)]
    }
    assert row["created_at"] == START.isoformat()
    assert happened(database) == ["deploy.queued", "deploy.building", "deploy.uploaded", "deploy.succeeded"]


def test_every_order_and_repetition_ends_the_same(database):
    reports = [
        progress("building", actor="octocat"),
        progress("uploaded", bundle="5a17"),
        progress("failed", error="the address did not answer"),
        progress("failed", log_url="https://github.com/runs/7"),
    ]
    expected = told(database, *reports)
    for order in itertools.permutations(reports):
        forgotten(database)
        assert told(database, *order, *order[::-1], *order) == {**expected, "id": 1}
    assert (expected["status"], expected["error"]) == ("failed", "the address did not answer")
    assert (expected["actor"], expected["bundle"]) == ("octocat", "5a17")


@pytest.mark.parametrize("earlier", STATUSES)
def test_a_later_status_is_never_taken_back(database, earlier):
    for later in STATUSES[STATUSES.index(earlier) :]:
        forgotten(database)
        assert told(database, progress(later), progress(earlier))["status"] == later


def test_an_end_is_in_the_audit(database):
    told(database, *map(progress, ["building", "failed", "failed"]), progress("succeeded", run_id=8, actor="octocat"))
    with database.reading() as session:
        entries = session.scalars(sa.select(AuditEntry).where(AuditEntry.subject == "script:abc123")).all()
    assert [(entry.actor, entry.action, entry.result) for entry in entries] == [
        ("run:overskill-apps/abc123/7", "deploy.failed", "failed"),
        ("run:overskill-apps/abc123/8", "deploy.succeeded", "ok"),
    ]
    assert entries[1].details == {"commit": "c0ffee", "by": "octocat"}


def test_what_was_told_already_is_no_event(database):
    told(database, *map(progress, ["succeeded", "building", "succeeded", "failed"]))
    assert happened(database) == ["deploy.succeeded"]


@pytest.mark.parametrize("other", [{"run_id": 8}, {"run_attempt": 2}, {"script": "staging-abc123"}])
def test_another_run_attempt_or_script_is_a_deployment_of_its_own(database, other):
    told(database, progress("succeeded"))
    with database.writing() as session:
        deployments.record(session, progress("building", **other))
    with database.reading() as session:
        assert sorted(session.scalars(sa.select(Deployment.status))) == ["building", "succeeded"]


def test_an_app_that_is_gone_has_no_deployments(database):
    with database.writing() as session:
        apps.forget(session, "abc123", actor="system")
        assert deployments.record(session, progress("building")) is None
    with database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(App)) == 0
        assert session.scalar(sa.select(sa.func.count()).select_from(Deployment)) == 0


def test_times_of_other_zones_are_kept_in_utc(database):
    at = dt.datetime(2025, 11, 24, 13, 0, 1, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    assert told(database, progress("building", at=at))["phases"] == {"building": "2025-11-24T12:00:01.000+00:00"}


def test_what_was_uploaded_last_is_live_whatever_the_clocks_say(database):
    for run_id, bundle in enumerate("ab", 1):
        told(database, progress("uploaded", run_id=run_id, bundle=bundle))
    told(database, progress("uploaded", run_id=1, at=START + dt.timedelta(days=1)))  # a pipeline's late word
    told(database, progress("building", run_id=3))
    with database.reading() as session:
        assert [row.run_id for row in deployments.uploads(session, "abc123")] == [2, 1]
    told(database, progress("uploaded", run_id=1, bundle="c"))  # one run may upload more than once
    with database.reading() as session:
        live, before = deployments.uploads(session, "abc123")
    assert (live.run_id, live.bundle, before.run_id) == (1, "c", 2)
