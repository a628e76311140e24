"""The benchmarks of pushes and of the control plane: their results, how they are shown, and the page of all."""

import io
import json

import pytest
from rich.console import Console
from standardwebhooks import Webhook

from overskill.bench import check, push
from overskill.bench.check_table import show_check
from overskill.bench.control_plane import bench as plane
from overskill.bench.control_plane.deliveries import deliveries
from overskill.bench.control_plane.table import show_control_plane
from overskill.bench.provision.run import Run
from overskill.bench.push_table import show_push
from overskill.bench.samples import Sample
from overskill.bench.whole import Benchmark, together, write_page


def pushed() -> dict:
    phases = dict.fromkeys(push.PHASES, 2.0)
    found = [push.Push(live=seconds, phases={**phases, "succeeded": seconds}) for seconds in (50.0, 10.0, 20.0, 12.0)]
    return push.report(found, push.Settings(pushes=4), quick=False, versions={"wrangler": "4"})


def served() -> dict:
    found = plane.Measured(
        accepted=[Sample(rate=100, p50=1, p99=9), Sample(rate=300, p50=1, p99=5)],
        health=[Sample(rate=400, p50=1, p99=2), Sample(rate=400, p50=1, p99=2)],
        told=[0.5, 0.1, 2.0],
        pages={100: {"/": 10.0, "/audit": 20.0}, 10_000: {"/": 10.0, "/audit": 200.0}},
    )
    return plane.report(found, plane.Settings.of(quick=True), quick=True, versions={"vegeta": "12"})


def checked() -> dict:
    def row(name: str, apps: int, calls: int) -> check.Row:
        run = Run(seconds=apps, cpu=apps, memory=10**6, calls={"cloudflare": calls, "github": calls, "content": 0})
        return check.Row(name=name, apps=apps, run=run)

    rows = [row("drift", 1, 5), row("refresh", 1, 8), row("drift", 1000, 10), row("refresh", 1000, 800)]
    return check.report(rows, check.Settings(apps=[1, 1000]), quick=False, versions={"pulumi": "3"})


def shown(show, found: dict) -> str:
    output = io.StringIO()
    show(found, Console(file=output, width=120))
    return output.getvalue()


def test_the_push_that_fills_the_cache_is_told_apart():
    found = json.loads(json.dumps(pushed()))
    assert (found["firstSeconds"], found["seconds"]) == (50, {"median": 12, "min": 10, "max": 20})
    assert found["ratio"] == pytest.approx(20 / 12)
    assert [goal["met"] for goal in found["goals"]] == [True, True]
    assert "built" in shown(show_push, found)


def test_a_phase_that_not_all_pushes_have_is_left_out():
    found = [push.Push(live=1, phases={"queued": 0.1, "built": 0.5}), push.Push(live=1, phases={"queued": 0.1})]
    assert push.report(found, push.Settings(pushes=2), quick=True, versions={})["phases"].keys() == {"queued"}


def test_calls_of_a_sweep_are_compared_with_those_of_refreshes():
    found = json.loads(json.dumps(checked()))
    assert (found["ratio"], found["goals"][0]["met"]) == (80, True)
    exponents = {(each["name"], each["unit"]): each["exponent"] for each in found["growth"]}
    assert exponents["refresh", "calls"] == pytest.approx(2 / 3)
    assert exponents["drift", "calls"] < 0.2
    page = shown(show_check, found)
    assert "refresh: calls grow with apps ** 0.67" in page
    assert page.count("1,000") == 2, "the axis of each plot"


def test_webhooks_are_compared_with_the_health_of_their_round():
    found = json.loads(json.dumps(served()))
    assert found["ratio"] == 0.5
    assert found["fanOut"]["seconds"] == {"p50": 0.5, "p99": 2.0}
    assert [(goal["measured"], goal["met"]) for goal in found["goals"]] == [(20, True), (200, False)]
    assert found["growth"][0]["exponent"] == pytest.approx(0.5)
    assert "10000 apps" in shown(show_control_plane, found)


def test_deliveries_are_signed_and_each_is_its_own():
    first, second = deliveries("http://127.0.0.1:1", "shop", "secret", 2, 7)
    for each in (first, second):
        Webhook(b"secret").verify(each.body, dict(each.headers), json_parse=False)
    assert [json.loads(each.body)["run"]["id"] for each in (first, second)] == [7, 8]
    assert first.headers["webhook-id"] != second.headers["webhook-id"]


def test_the_page_has_a_section_for_each_with_its_command_and_its_ratio(tmp_path):
    benchmarks = [
        Benchmark(name="push", title="From a push", measure=pushed, show=show_push),
        Benchmark(name="control-plane", title="The control plane", measure=served, show=show_control_plane),
    ]
    found = together([one.measure() for one in benchmarks], quick=False)
    write_page(tmp_path / "benchmarks.md", benchmarks, found)
    page = (tmp_path / "benchmarks.md").read_text()
    assert found["ratios"] == {"push": pytest.approx(20 / 12), "control-plane": 0.5}
    assert {goal["bench"] for goal in found["goals"]} == {"push", "control-plane"}
    assert page.index("## From a push") < page.index("`./dev bench push`: 1.67") < page.index("## The control plane")
    assert "wrangler 4" in page
    assert "`./dev bench all --page" in page
    write_page(tmp_path / "benchmarks.md", benchmarks, {**found, "quick": True})
    assert "`./dev bench all --quick --page" in (tmp_path / "benchmarks.md").read_text()
