"""Quotas of plans: an app is told of at 80 %, over quota at 100 %, and back by itself; what an operator set stays."""

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa
from server_process import Installation

from app_stacks.cloudflare_error import CloudflareError
from control_plane import audit
from control_plane.app_states import AppStates
from control_plane.app_store import AppState
from control_plane.tables import App, AuditEntry, Event
from control_plane.usage.quotas import Quotas
from control_plane.usage.tables import FIGURES, UsageDay
from infra.platform_config import Quota

NOW = dt.datetime(2026, 11, 3, 12, 0, 30, tzinfo=dt.UTC)
TOMORROW = NOW + dt.timedelta(days=1)


@dataclass
class Store:
    """The app store of a platform, in memory."""

    states: dict[str, AppState] = field(default_factory=dict)
    fails: bool = False

    def state(self, app_id: str) -> AppState | None:
        return self.states.get(app_id)

    def set_state(self, app_id: str, state: AppState) -> None:
        if self.fails:
            raise CloudflareError("PUT: HTTP 500", 500)
        self.states[app_id] = AppState.model_validate_json(state.model_dump_json())

    def clear_state(self, app_id: str) -> None:
        self.states.pop(app_id, None)


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """Nothing here differs between databases."""
    return f"sqlite:///{tmp_path / 'control-plane.db'}"


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def states(installation: Installation, store: Store) -> AppStates:
    return AppStates(store, installation.declare("shop", "cafe").database)


@pytest.fixture
def quotas(states: AppStates) -> Quotas:
    """Of a plan with 100 requests and 10 s of CPU a day."""
    return Quotas(states, {"free": Quota(requests_per_day=100, cpu_ms_per_day=10_000)})


def use(states: AppStates, app: str, day: dt.datetime = NOW, **figures: int) -> None:
    with states.database.writing() as session:
        row = {"app_id": app, "day": day.date(), "environment": "production", **dict.fromkeys(FIGURES, 0), **figures}
        session.merge(UsageDay(**row))


def told(states: AppStates) -> list[tuple[str, str, object]]:
    """The events of quotas, in their order."""
    with states.database.reading() as session:
        events = session.scalars(sa.select(Event).order_by(Event.id))
        return [
            (event.type, event.app_id, event.data.get("percent", event.data.get("reason")))
            for event in events
            if event.type not in ("app.created", "app.updated")
        ]


def test_an_app_is_told_of_once_a_day_before_its_quota_is_used_up(quotas, states, store):
    use(states, "shop", requests=79)
    use(states, "cafe", requests=10, cpu_us=8_500_000)
    for _ in range(2):
        quotas.enforce(NOW)
    assert (told(states), store.states) == ([("quota.warning", "cafe", 85)], {})
    use(states, "cafe", TOMORROW, requests=80)
    quotas.enforce(TOMORROW)
    assert told(states)[1:] == [("quota.warning", "cafe", 80)]


def test_an_app_over_its_quota_takes_a_break_until_the_day_ends(quotas, states, store):
    use(states, "shop", requests=100)
    for _ in range(2):
        quotas.enforce(NOW)
    held = store.states["shop"]
    assert (held.state, held.reason) == ("over-quota", "100 of 100 requests a day")
    assert held.until == dt.datetime(2026, 11, 4, tzinfo=dt.UTC)
    with states.database.reading() as session:
        assert session.get_one(App, "shop").state == "over-quota"
    quotas.enforce(TOMORROW)
    assert store.states == {}
    assert [event for event, *_ in told(states)] == ["app.suspended", "quota.warning", "app.resumed"]
    with states.database.reading() as session:
        assert session.get_one(App, "shop").state == "active"
        done = session.scalars(sa.select(AuditEntry.action).where(AuditEntry.actor == "system:quota")).all()
        assert done == ["app.suspend", "app.resume"]
        audit.verify(session)


def test_a_larger_plan_ends_the_break_at_once(quotas, states, store):
    use(states, "shop", requests=100)
    quotas.enforce(NOW)
    Quotas(states, {"free": Quota(requests_per_day=1000)}).enforce(NOW)
    assert store.states == {}


@pytest.mark.parametrize("state", ["legal", "over-quota"])
def test_what_an_operator_has_set_stays(quotas, states, store, state):
    own = AppState(state=state, reason="a court", since=NOW - dt.timedelta(days=1))
    states.suspend("shop", own, actor="operator:anna")
    use(states, "shop", requests=500)
    quotas.enforce(NOW)
    quotas.enforce(TOMORROW)
    assert store.states == {"shop": own}


def test_what_an_operator_makes_of_a_break_stays(quotas, states, store):
    use(states, "shop", requests=500)
    use(states, "cafe", requests=500)
    quotas.enforce(NOW)
    states.resume("shop", actor="operator:anna")
    own = AppState(state="suspended", reason="abuse", since=NOW)
    states.suspend("cafe", own, actor="operator:anna")
    quotas.enforce(NOW)
    assert store.states == {"cafe": own}
    quotas.enforce(TOMORROW)
    assert store.states == {"cafe": own}
    use(states, "shop", TOMORROW, requests=500)
    quotas.enforce(TOMORROW)
    assert store.states["shop"].state == "over-quota"


def test_a_break_that_cloudflare_did_not_take_is_tried_again(quotas, states, store):
    use(states, "shop", requests=500)
    store.fails = True
    with pytest.raises(CloudflareError):
        quotas.enforce(NOW)
    store.fails = False
    quotas.enforce(NOW)
    assert store.states["shop"].state == "over-quota"


def test_a_plan_without_a_quota_has_no_limit(states, store):
    use(states, "shop", requests=10**9)
    for quotas in ({}, {"free": Quota()}):
        Quotas(states, quotas).enforce(NOW)
    assert (store.states, told(states)) == ({}, [])
