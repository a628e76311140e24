"""The benchmarks' arithmetic, their result and how it is shown."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from infra import dispatcher, versioned_worker
from overskill.bench import dispatch_worker, local_edge
from overskill.bench.dispatch_result import Arrangement, Case, Settings, report
from overskill.bench.one_workerd import configuration
from overskill.bench.result import Goal
from overskill.bench.samples import Sample, compared, in_turn, percentile
from overskill.bench.table import show

SOURCE = Path(__file__).parents[2] / "dispatch_worker" / "src"


def samples(*figures: tuple[float, float]) -> list[Sample]:
    return [Sample(rate=rate, p50=p50, p99=9) for rate, p50 in figures]


ALONE = {
    "direct": samples((90, 0.1), (90, 0.1)),
    "forwarder": samples((60, 0.2), (60, 0.2)),
    "loader": samples((60, 0.25), (60, 0.25)),
    "dispatcher": samples((50, 0.3), (40, 0.4)),
}
BUSY = ALONE | {"forwarder": samples((100, 1), (200, 2)), "dispatcher": samples((80, 1), (180, 3))}


def arrangement(cold: float) -> Arrangement:
    cases = [Case(apps=1, concurrency=1, rounds=ALONE), Case(apps=1, concurrency=16, rounds=BUSY)]
    return Arrangement(cases=cases, cold=Sample(rate=1, p50=cold, p99=30))


def found() -> dict:
    settings = Settings.of([], quick=True)
    return report(arrangement(5), arrangement(20), settings, quick=True, versions={"workerd": "1", "vegeta": "2"})


@pytest.mark.parametrize(("percent", "value"), [(0, 1), (50, 2), (51, 3), (99, 4), (100, 4)])
def test_a_percentile_is_one_of_the_values(percent, value):
    assert percentile([1, 2, 3, 4], percent) == value


def test_rows_take_turns_and_each_is_first_once():
    order = []
    rounds = in_turn(["a", "b", "c"], 3, lambda row: order.append(row) or Sample(rate=len(order), p50=1, p99=1))
    assert "".join(order) == "abcbcacab"
    assert [sample.rate for sample in rounds["a"]] == [1, 6, 8]


def test_rows_are_compared_within_their_round():
    row = compared(BUSY, "forwarder")["dispatcher"]
    assert row["ratio"] == {"median": pytest.approx(0.85), "min": 0.8, "max": 0.9}
    assert row["addedP50Ms"] == {"median": 0.5, "min": 0, "max": 1}
    assert row["rate"] == {"median": 130, "min": 80, "max": 180}


def test_a_goal_is_met_at_its_least_and_below_its_limit():
    assert [Goal(name="", measured=value, at_least=0.75).met for value in (0.74, 0.75)] == [False, True]
    assert [Goal(name="", measured=value, below=10).met for value in (9.9, 10)] == [True, False]


def test_one_app_is_always_measured():
    assert Settings.of([500, 20], quick=False).apps == [1, 20, 500]
    assert Settings.of([], quick=False).apps == [1, 500]


def test_the_result_tells_the_ratio_the_goals_and_where_the_time_goes():
    result = json.loads(json.dumps(found()))
    assert result["ratio"] == result["oneWorkerd"]["ratio"] == pytest.approx(0.85)
    assert result["rates"] == {"direct": 90, "forwarder": 150, "loader": 60, "dispatcher": 130}
    assert result["addedP50Ms"] == pytest.approx(0.15)
    assert result["addedBy"] == pytest.approx({"dispatchWorkerMs": 0.1, "loaderMs": 0.05, "localCloudMs": 0})
    assert [goal["met"] for goal in result["goals"]][2:] == [True, False]
    assert result["localEdge"]["cold"] == {"apps": 1, "p50Ms": 20, "p99Ms": 30}


def test_people_read_the_rates_the_goals_and_where_the_time_goes():
    written = io.StringIO()
    show(found(), Console(file=written, width=200))
    shown = written.getvalue()
    assert "130 (80 to 180)" in shown
    assert "0.85 (0.80 to 0.90)" in shown
    assert ("✓ met" in shown, "✗ missed" in shown) == (True, True)
    assert "The 0.150 ms beyond the forwarder: 0.100 the dispatch Worker, 0.050 workerd's loader." in shown


def test_what_costs_seconds_to_import_is_the_same_here():
    assert local_edge.OUTBOUND_PARAMETERS == dispatcher.OUTBOUND_PARAMETERS
    assert dispatch_worker.COMPATIBILITY_DATE == versioned_worker.COMPATIBILITY_DATE


def test_one_app_is_bound_by_itself_and_several_by_their_names():
    assert '(name = "APP", service = "bench0")' in configuration(SOURCE, ["bench0"])
    several = configuration(SOURCE, ["bench0", "bench1"])
    assert '(name = "bench1", service = "bench1")' in several
    assert 'name = "APP",' not in several
