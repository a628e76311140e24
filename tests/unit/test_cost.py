"""Shares of a bill: exact, whatever apps there are. Prices as the table has them, and what other numbers would cost."""

import datetime as dt
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from control_plane.cost import amounts, projections
from control_plane.cost.allocation import Allowance, apportion
from control_plane.cost.bill import FEE, bill
from control_plane.cost.charts import dollars
from control_plane.cost.prices import CENT, METERS, MICRO, STANDARD, TABLE, Rate, tariffs
from control_plane.cost.report import report
from control_plane.database import Database
from control_plane.migration import migrate
from control_plane.usage.months import Month
from control_plane.usage.tables import FIGURES, NO_APP, UsageDay, UsageReading, UsageScripts

MONTH = Month(2026, 11)
PRICES = tariffs(MONTH)
NAMES = st.text("abcdefgh-", min_size=1, max_size=4)
WEIGHTS = st.dictionaries(NAMES, st.integers(0, 10**13), min_size=1, max_size=30).filter(lambda w: sum(w.values()))
DAYS = st.lists(st.dictionaries(NAMES, st.integers(0, 10**9), max_size=12), max_size=12)


def beyond(included: int, days: list[dict[str, int]]) -> tuple[int, dict[str, int]]:
    """What was used in all, and what of it by each app beyond the included."""
    allowance = Allowance(included)
    for day in days:
        allowance.use(day)
    return allowance.used, dict(+allowance.beyond)


def reordered(mapping: dict, seed: int) -> dict:
    return dict(sorted(mapping.items(), key=lambda item: hash((item[0], seed))))


@given(WEIGHTS, st.integers(0, 10**10), st.integers())
def test_what_is_apportioned_adds_up_and_is_fair_and_no_order_matters(weights, total, seed):
    shares = apportion(total, weights)
    whole = sum(weights.values())
    assert sum(shares.values()) == total
    assert all(abs(shares[name] - Fraction(total * weight, whole)) < 1 for name, weight in weights.items())
    assert all(share >= 0 for share in shares.values())
    assert shares == apportion(total, reordered(weights, seed))
    if total <= whole:
        assert all(shares[name] <= weight for name, weight in weights.items())


@given(DAYS, st.integers(0, 10**10), st.integers())
def test_what_is_beyond_the_included_is_that_in_all_and_never_more_than_was_used(days, included, seed):
    total, paid = beyond(included, days)
    used = {name: sum(day.get(name, 0) for day in days) for day in days for name in day}
    assert total == sum(used.values())
    assert sum(paid.values()) == max(total - included, 0)
    assert all(0 < amount <= used[name] for name, amount in paid.items())
    assert (total, paid) == beyond(included, [reordered(day, seed) for day in days])


def test_what_is_included_is_used_up_in_order():
    days = [{"early": 70}, {"early": 10, "late": 30}, {"late": 5}]
    assert beyond(90, days) == (115, {"early": 5, "late": 20})
    assert beyond(90, days[:2])[1] == {"early": 5, "late": 15}


@given(
    st.sets(NAMES, max_size=20),
    st.lists(st.dictionaries(st.sampled_from(METERS), st.dictionaries(NAMES, st.integers(0, 10**12))), max_size=5),
)
def test_the_shares_add_up_to_the_bill_to_the_cent(apps, used):
    made = bill(PRICES, apps, used)
    assert sum(made.shares.values()) == made.total
    assert made.total % CENT == 0
    assert all(share >= 0 for share in made.shares.values())
    assert all(sum(line.shares.values()) == line.cost for line in made.lines)
    assert made.total == projections.cost(PRICES, projections.totals(made))


def test_a_bill_is_what_cloudflare_says_of_it():
    """100 million requests of 7 ms: the example of Cloudflare's own page of prices, with 1,200 scripts."""
    used = {"requests": {"a": 100_000_000}, "cpu_us": {"a": 700_000_000_000}, "scripts": {"a": 1_200}}
    made = bill(PRICES, {"a", "b"}, [used])
    assert {line.meter: line.cost for line in made.lines if line.cost} == {
        FEE: 25 * MICRO,
        "requests": 24 * MICRO,
        "cpu_us": 12_800_000,
        "scripts": 4 * MICRO,
    }
    assert made.shares == {"a": 53_300_000, "b": 12_500_000}


def test_costs_are_rounded_to_the_cent():
    rate = Rate(included=0, price="0.30", per=1_000_000)
    assert [rate.cost(amount) for amount in (16_666, 16_667, 50_000)] == [0, CENT, 2 * CENT]
    assert [dollars(amount) for amount in (0, 100_000, 25_300_000, 12_345, 50)] == [
        "$0.00",
        "$0.10",
        "$25.30",
        "$0.0123",
        "$0.000050",
    ]


def test_prices_are_those_of_the_month_and_each_has_its_source(tmp_path: Path):
    assert tariffs(Month(2025, 12))["github-actions"].meters["actions_minutes"].price == Fraction("0.008")
    assert PRICES["github-actions"].meters["actions_minutes"].price == Fraction("0.006")
    assert {meter for tariff in PRICES.values() for meter in tariff.meters} == {*METERS}
    assert all(tariff.source.scheme == "https" and tariff.seen for tariff in PRICES.values())
    with pytest.raises(LookupError, match="has no price of workers-for-platforms for 2024-12"):
        tariffs(Month(2024, 12))
    wrong = tmp_path / "prices.yaml"
    wrong.write_text(TABLE.read_text().replace('fee: "25"', 'fee: "-25"', 1))
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        tariffs(MONTH, wrong)


def test_other_numbers_of_apps_use_what_those_of_now_do():
    used = {"requests": Fraction(100_000), "cpu_us": Fraction(10**9), "scripts": Fraction(30)}  # of ten apps
    few, many = (projections.scenario(PRICES, used, 10, wanted) for wanted in (100, 50_000))
    assert (few.cost, few.accounts, few.standard, few.account_each) == (25 * MICRO, 1, 5 * MICRO, 500 * MICRO)
    # 500 M requests, 5 G ms, 150,000 scripts
    assert many.cost == (25 + 144 + 98.8 + 2980) * MICRO
    assert (many.accounts, many.standard) == (300, 1500 * MICRO)
    assert many.of_app < projections.GOAL < few.of_app
    assert PRICES[STANDARD].scripts_of_account == 500


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Half of a month of two apps, read but for one day."""
    database = Database(f"sqlite:///{tmp_path / 'control-plane.db'}")
    migrate(database)
    begin = MONTH.begin
    with database.writing() as session:
        for day in range(15):
            at = begin + dt.timedelta(days=day)
            session.add_all(
                UsageDay(day=at.date(), app_id=app, environment=environment, **(dict.fromkeys(FIGURES, 0) | figures))
                for app, environment, figures in (
                    ("shop", "production", {"requests": 3_000_000, "cpu_us": 1_000_000}),
                    ("cafe", "preview", {"requests": 1_000_000, "cpu_us": 1_000_000 * day}),
                    (NO_APP, "", {"requests": 100, "cpu_us": 4_000_100}),
                )
            )
            for hour in range(24) if day != 3 else ():
                told = {"requests": 10, "dispatched": 10, "invocations": 10, "entered": 12, "sample_interval": 1}
                session.add(UsageReading(hour=at + dt.timedelta(hours=hour), read_at=at + dt.timedelta(days=2), **told))
        for day, scripts in ((2, 5), (9, 3)):
            for app in ("shop", "idle"):
                at = MONTH.days[day]
                session.add(
                    UsageScripts(day=at, app_id=app, environment="preview", scripts=scripts, previews=scripts - 1)
                )
    yield database
    database.close()


NOW = dt.datetime(2026, 11, 15, 23, 30, tzinfo=dt.UTC)


def test_a_report_is_of_all_apps_and_of_what_is_nobodys(database):
    with database.reading() as session:
        found = report(session, MONTH, NOW)
    rows = {row.app_id: row for row in found.rows}
    assert {*rows} == {"shop", "cafe", "idle", NO_APP}
    untold = 14 * 24 * 2
    assert found.bill.line("requests").amount == 15 * 4_000_100 + untold
    assert sum(row.total for row in rows.values()) == found.bill.total
    base = {app: row.shares["base"] for app, row in rows.items()}
    assert base == {"cafe": 8_333_334, "idle": 8_333_333, "shop": 8_333_333, NO_APP: 0}
    assert rows["shop"].shares["requests"] > rows["cafe"].shares["requests"] > rows[NO_APP].shares["requests"]
    assert (found.bill.line("scripts").amount, found.previews.scripts) == (10, 4)
    assert (found.previews.requests, found.previews.of_requests) == (15_000_000, 15 * 4_000_100)
    assert found.unread == {MONTH.days[3]}


def test_what_the_platforms_workers_took_is_shared_by_requests(database):
    with database.reading() as session:
        first, *_ = amounts.days(session, MONTH)
    assert first["cpu_us"] == {"shop": 1_000_000 + 3_000_000, "cafe": 1_000_000, NO_APP: 100}


def test_the_forecast_is_as_if_the_rest_were_like_what_is_known(database):
    with database.reading() as session:
        found = report(session, MONTH, NOW)
    requests = Fraction(found.bill.line("requests").amount) / Fraction(14 * 24, 30 * 24)
    assert found.forecast == 25 * MICRO + PRICES["workers-for-platforms"].meters["requests"].cost(requests)
    with database.writing() as session:
        session.execute(sa.delete(UsageReading))
    with database.reading() as session:
        assert report(session, MONTH, NOW).forecast is None


def test_movers_are_told_by_the_hours_that_were_read(database):
    with database.writing() as session:
        late = UsageDay.day > MONTH.days[7]
        session.execute(sa.update(UsageDay).where(UsageDay.app_id == "cafe", late).values(requests=4_000_000))
    with database.reading() as session:
        (first, *_) = report(session, MONTH, NOW).movers
    assert (first.app_id, float(first.after) > 3 * float(first.before)) == ("cafe", True)


def test_use_that_is_not_collected_is_given_by_a_file(database, tmp_path):
    file = tmp_path / "amounts.csv"
    file.write_text("app,meter,amount\nshop,d1_rows_written,60000000\nshop,kv_reads,5\n")
    with database.reading() as session:
        found = report(session, MONTH, NOW, amounts.given(file))
    assert found.bill.line("d1_rows_written").cost == 10 * MICRO
    assert next(row for row in found.rows if row.app_id == "shop").shares["data"] == 10 * MICRO
    file.write_text("app,meter,amount\nshop,coffee,1\nshop,kv_reads,1.5\n")
    with pytest.raises(ValueError, match=r"(?s)line 2: shop,coffee,1.*line 3: shop,kv_reads,1\.5"):
        amounts.given(file)
