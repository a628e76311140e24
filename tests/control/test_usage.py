"""Usage as it is kept: hour by hour, again where something came late, on both databases."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from server_process import Installation, declaration

from app_stacks.cloudflare_error import CloudflareError
from control_plane import apps
from control_plane.cost.report import report
from control_plane.tables import AuditEntry
from control_plane.usage import reading, rollups
from control_plane.usage.collector import Collector
from control_plane.usage.coverage import Gap, coverage
from control_plane.usage.dispatched import HOUR
from control_plane.usage.months import Month
from control_plane.usage.tables import NO_APP, UsageHour, UsageScripts

DAY = dt.datetime(2026, 11, 3, tzinfo=dt.UTC)
NOON = DAY + 12 * HOUR
LATER = NOON + 11 * HOUR

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what no database makes a difference to."""


class Cloudflare:
    """Tells what the test has told it: requests by hour and app, as data points and as invocations."""

    def __init__(self) -> None:
        self.requests: dict[dt.datetime, dict[str, int]] = defaultdict(dict)
        self.uncounted = 0
        self.sample_interval = 1
        self.fails_at: dt.datetime | None = None
        self.asked: list[dt.datetime] = []
        self.scripts = ["shop", "old"]

    def rows(self, _account: str, query: str) -> list[dict]:
        hour = next(hour for hour in self._hours() if f"'{hour:%Y-%m-%d %H:%M:%S}'" in query.partition("AND")[0])
        return [
            {
                **dict.fromkeys(("errors", "bytes_in", "bytes_out"), 0.0),
                **{"app": app, "environment": "production", "sample_interval": self.sample_interval},
                **{"requests": float(count), "dispatched": float(count)},
            }
            for app, count in sorted(self.requests[hour].items())
        ]

    def account(self, _query: str, _account: str, **variables: object) -> dict:
        hour = dt.datetime.fromisoformat(str(variables["from"]))
        self.asked.append(hour)
        if hour == self.fails_at:
            raise CloudflareError("POST /graphql: HTTP 500", 500)
        counted = {app: count - self.uncounted for app, count in self.requests[hour].items()}
        groups = [
            {
                "dimensions": {"dispatchNamespaceName": "production", "scriptName": app},
                "sum": {"requests": count, "cpuTimeUs": 1000 * count},
            }
            for app, count in counted.items()
        ]
        return {"workersInvocationsAdaptive": groups}

    def script_names(self, _account: str, namespace: str) -> set[str]:
        found = {"preview": {"preview-shop", "preview-shop-pr1", "preview-shop-pr2"}, "production": {*self.scripts}}
        return found.get(namespace.rpartition("-")[2], set())

    def _hours(self) -> Iterator[dt.datetime]:
        return (DAY + n * HOUR for n in range(-24, 24 * 90))


@pytest.fixture
def cloudflare() -> Cloudflare:
    return Cloudflare()


@pytest.fixture
def collector(installation: Installation, cloudflare: Cloudflare) -> Collector:
    """Of a platform with the apps `shop` and `cafe`."""
    installation.declare("shop", "cafe")
    return Collector(cloudflare, installation.database, installation.plane().settings.platform)


def requests(collector: Collector, app: str | None = None) -> dict[dt.date, int]:
    with collector.database.reading() as session:
        days = reading.by_day(session, app, [DAY.date() + dt.timedelta(days=n) for n in range(-31, 90)])
        return {day: usage.requests for (day, _), usage in days.items()}


def test_a_new_control_plane_reads_from_its_first_deed_on(collector, cloudflare):
    with collector.database.reading() as session:
        first = session.scalar(sa.select(sa.func.min(AuditEntry.at)))
    first = first.replace(minute=0, second=0, microsecond=0)
    cloudflare.rows = lambda *_: []
    list(collector.collect(first + 2.5 * HOUR))
    begin = max(first, (first + 2.5 * HOUR).replace(day=1, hour=0, minute=0))
    assert cloudflare.asked == [begin + n * HOUR for n in range(int((first + 2.5 * HOUR - begin) / HOUR) + 1)]


def test_a_day_is_the_sum_of_its_hours_and_what_is_read_twice_counts_once(collector, cloudflare):
    cloudflare.requests[NOON] = {"shop": 10, "cafe": 2}
    cloudflare.requests[NOON + HOUR] = {"shop": 5}
    for _ in range(2):
        assert sum(one.requests for one in collector.collect(NOON + 90 * dt.timedelta(minutes=1), DAY)) >= 5
    with collector.database.reading() as session:
        found = reading.by_app(session, [DAY.date()])
    assert {app: (one.requests, one.invocations, one.cpu_us) for app, one in found.items()} == {
        "shop": (15, 15, 15_000),
        "cafe": (2, 2, 2000),
    }
    with collector.database.reading() as session:
        assert report(session, Month.of(DAY), NOON + 2 * HOUR).bill.line("requests").amount == 17


def test_what_comes_late_is_corrected_until_an_hour_is_settled(collector, cloudflare):
    cloudflare.requests[NOON] = {"shop": 10, "cafe": 3}
    for minutes, known in ((30, {"shop": 10, "cafe": 3}), (90, {"shop": 12}), (8 * 60, {"shop": 13})):
        cloudflare.requests[NOON] = known
        list(collector.collect(NOON + minutes * dt.timedelta(minutes=1), DAY))
        with collector.database.reading() as session:
            found = reading.by_app(session, [DAY.date()])
        assert {app: one.requests for app, one in found.items()} == known
    cloudflare.requests[NOON] = {"shop": 99}
    cloudflare.asked.clear()
    list(collector.collect(LATER, DAY))
    assert NOON not in cloudflare.asked
    assert requests(collector) == {DAY.date(): 13}


def test_an_older_reading_does_not_replace_a_newer_one(collector, cloudflare):
    """Two servers read the same hour, and the one that asked first is the last to write."""
    cloudflare.requests[NOON] = {"shop": 12}
    list(collector.collect(NOON + HOUR / 2, NOON))
    cloudflare.requests[NOON] = {"shop": 10}
    list(collector.collect(NOON + HOUR / 3, NOON))
    assert requests(collector) == {DAY.date(): 12}


@on_sqlite
def test_a_collection_that_was_cut_short_goes_on_where_it_was(collector, cloudflare):
    hours = [NOON + n * HOUR for n in range(4)]
    for hour in hours:
        cloudflare.requests[hour] = {"shop": 1}
    cloudflare.fails_at = hours[2]
    with pytest.raises(CloudflareError):
        list(collector.collect(LATER, NOON))
    cloudflare.fails_at = None
    assert (cloudflare.asked, requests(collector)) == (hours[:3], {DAY.date(): 2})
    cloudflare.asked.clear()
    list(collector.collect(LATER, NOON))
    assert (cloudflare.asked[:2], requests(collector)) == (hours[2:], {DAY.date(): 4})


@on_sqlite
def test_an_hour_that_was_not_read_is_a_gap_and_one_without_requests_is_none(collector, cloudflare):
    cloudflare.fails_at = NOON + HOUR
    with pytest.raises(CloudflareError):
        list(collector.collect(LATER, NOON))
    with collector.database.reading() as session:
        found = coverage(session, NOON, NOON + 4 * HOUR)
    assert (found.hours, found.read, found.final, found.complete) == (4, 1, 1, False)
    assert found.gaps == (Gap(NOON + HOUR, NOON + 4 * HOUR),)
    cloudflare.fails_at = None
    list(collector.collect(LATER, NOON))
    with collector.database.reading() as session:
        assert coverage(session, NOON, NOON + 4 * HOUR).complete


@on_sqlite
def test_hours_in_which_the_sources_differ_are_told_and_so_are_samples(collector, cloudflare):
    cloudflare.requests[NOON] = {"shop": 1000}
    list(collector.collect(NOON + 7.5 * HOUR, NOON))
    cloudflare.requests[NOON + 4 * HOUR] = {"shop": 1000}
    cloudflare.uncounted, cloudflare.sample_interval = 11, 10
    list(collector.collect(NOON + 11 * HOUR, NOON))
    with collector.database.reading() as session:
        found = coverage(session, NOON, NOON + 12 * HOUR)
    assert (found.differing, found.sample_interval) == ((NOON + 4 * HOUR,), 10)
    assert (found.dispatched, found.invocations) == (2000, 1989)


@on_sqlite
def test_names_that_anybody_may_ask_for_are_no_apps_and_an_app_that_is_gone_still_is(collector, cloudflare):
    with collector.database.writing() as session:
        apps.declare(session, declaration("old", 9), actor="system")
        apps.forget(session, "old", actor="system")
    cloudflare.requests[NOON] = {"old": 1, "shop": 2, **{f"made-up-{n}": 1 for n in range(50)}}
    list(collector.collect(LATER, NOON))
    with collector.database.reading() as session:
        found = reading.by_app(session, [DAY.date()])
    assert {app: one.requests for app, one in found.items()} == {NO_APP: 50, "shop": 2, "old": 1}


@on_sqlite
def test_scripts_are_counted_once_a_day(collector, cloudflare):
    list(collector.collect(LATER, LATER - HOUR))
    cloudflare.scripts = ["shop"]
    list(collector.collect(LATER + HOUR, LATER - HOUR))
    with collector.database.reading() as session:
        found = {
            (row.app_id, row.environment): (row.scripts, row.previews)
            for row in session.scalars(sa.select(UsageScripts))
        }
    assert found == {("old", "production"): (1, 0), ("shop", "preview"): (3, 2), ("shop", "production"): (1, 0)}


def test_hours_are_deleted_after_a_time_and_their_days_stay(collector, cloudflare, monkeypatch):
    monkeypatch.setattr(rollups, "KEPT", 6 * HOUR)
    cloudflare.requests[NOON] = {"shop": 7}
    list(collector.collect(NOON + HOUR, NOON))
    for hours, left in ((29, 1), (31, 0)):
        rollups.forget(collector.database, NOON + (hours + 1 / 2) * HOUR)
        with collector.database.reading() as session:
            assert session.scalar(sa.select(sa.func.count()).select_from(UsageHour)) == left
    cloudflare.asked.clear()
    list(collector.collect(NOON + 32 * HOUR, NOON))
    assert min(cloudflare.asked) == NOON + 26 * HOUR
    assert requests(collector, "shop") == {DAY.date(): 7}
