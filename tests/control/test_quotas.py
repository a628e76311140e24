"""Quotas of plans: an app is told of at 80 %, over quota at 100 %, and back by itself; what an operator set stays."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
import sqlalchemy as sa
from server_process import Installation

from app_stacks.cloudflare_error import CloudflareError
from control_plane import audit
from control_plane.app_states import AppStates
from control_plane.app_store import AT_ONCE, AppState
from control_plane.tables import App, AuditEntry, Event
from control_plane.usage.quotas import Quotas
from control_plane.usage.tables import FIGURES, UsageDay
from infra.platform_config import Quota

NOW = dt.datetime(2026, 11, 3, 12, 0, 30, tzinfo=dt.UTC)
TOMORROW = NOW + dt.timedelta(days=1)


@dataclass
class Store:
    """The app store of a platform, in memory."""

    kept: dict[str, str] = field(default_factory=dict)
    calls: int = 0
    fails: Literal["before", "after", ""] = ""
    """What is written together is lost, or its answer is."""

    @property
    def states(self) -> dict[str, AppState]:
        return {app_id: self.parsed(app_id, text) for app_id, text in self.kept.items()}

    def state(self, app_id: str) -> AppState | None:
        return self.states.get(app_id)

    def set_state(self, app_id: str, state: AppState) -> None:
        self.kept[app_id] = state.model_dump_json(exclude_none=True)

    def clear_state(self, app_id: str) -> None:
        self.kept.pop(app_id, None)

    def texts(self, app_ids: Collection[str]) -> dict[str, str]:
        assert len(app_ids) <= AT_ONCE
        self.calls += 1
        return {app_id: self.kept[app_id] for app_id in app_ids if app_id in self.kept}

    def parsed(self, app_id: str, text: str) -> AppState:
        try:
            return AppState.model_validate_json(text)
        except ValueError:
            raise CloudflareError(f"state:{app_id} is no state") from None

    def set_states(self, states: Mapping[str, AppState]) -> None:
        self.calls += 1
        for app_id, state in states.items():
            if self.fails != "before":
                self.set_state(app_id, state)
        if self.fails:
            raise CloudflareError("PUT: HTTP 500", 500)

    def clear_states(self, app_ids: Collection[str]) -> None:
        self.calls += 1
        for app_id in app_ids:
            self.clear_state(app_id)


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
    store.fails = "before"
    with pytest.raises(CloudflareError):
        quotas.enforce(NOW)
    store.fails = ""
    quotas.enforce(NOW)
    assert store.states["shop"].state == "over-quota"


def test_a_break_that_cloudflare_took_without_an_answer_ends_too(quotas, states, store):
    use(states, "shop", requests=500)
    store.fails = "after"
    with pytest.raises(CloudflareError):
        quotas.enforce(NOW)
    assert store.states["shop"].state == "over-quota"
    quotas.enforce(TOMORROW)
    assert store.states == {}


def test_midnight_costs_few_calls_and_what_is_no_state_holds_up_nobody(installation, store, caplog):
    apps = [f"app-{number:03}" for number in range(600)]
    states = AppStates(store, installation.declare(*apps).database)
    quotas = Quotas(states, {"free": Quota(requests_per_day=100)})
    for app in apps:
        use(states, app, requests=100)
    quotas.enforce(NOW)
    assert len(store.kept) == 600
    assert store.calls == 12
    store.kept["app-000"] = "asleep"
    quotas.enforce(TOMORROW)
    assert store.kept == {"app-000": "asleep"}
    assert store.calls == 24
    assert "state:app-000 is no state" in caplog.text
    with states.database.reading() as session:
        active = sa.select(sa.func.count()).select_from(App).where(App.state == "active")
        assert session.scalar(active) == 599
    del store.kept["app-000"]
    quotas.enforce(TOMORROW)
    assert store.calls == 26
    with states.database.reading() as session:
        assert session.scalar(active) == 600


def test_a_plan_without_a_quota_has_no_limit(states, store):
    use(states, "shop", requests=10**9)
    for quotas in ({}, {"free": Quota()}):
        Quotas(states, quotas).enforce(NOW)
    assert (store.states, told(states)) == ({}, [])
