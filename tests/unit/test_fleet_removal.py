"""A fleet run lasts for hours: what was resumed since it began is not destroyed by it."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from overskill.fleet import apply
from overskill.fleet.apply import Fleet
from overskill.fleet.apps_file import AppsFile
from overskill.fleet.budget import Budget
from overskill.fleet.limits import Calls
from overskill.fleet.scheduler import Job, Schedule
from overskill.project import Project
from overskill.removal import Removal, Removals

DUE = datetime(2026, 11, 24, tzinfo=UTC)


def test_an_app_that_was_resumed_since_the_plan_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply.desired_state, "common", MagicMock(return_value=""))
    taken_down = MagicMock(side_effect=RuntimeError("the engine was run"))
    monkeypatch.setattr(apply, "take_down", taken_down)
    platform = MagicMock(project=Project(tmp_path), stack="local", app_stack=lambda app_id: f"local.{app_id}")
    store = MagicMock(removals=lambda: {"shop": DUE}, removal=lambda app_id: None)
    removals = Removals(store, Removal(timedelta(days=7)))
    index = MagicMock(recent_calls=lambda: (), entries=lambda stack: {})
    fleet = Fleet(platform, AppsFile(apps=(), absent=()), index, removals, lease=0)
    schedule = Schedule.of([Job("shop", "destroy", Calls())])
    asyncio.run(fleet.run(schedule, Budget(()), 1, lambda job: None))
    assert "shop was resumed, and is not removed" in schedule.failed["shop"]
    taken_down.assert_not_called()
    index.forget.assert_not_called()
