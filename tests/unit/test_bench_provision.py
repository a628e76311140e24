"""The benchmark of provisioning: its arithmetic, its result and how it is shown."""

import io
import json

import pytest
from rich.console import Console

from overskill.bench.growth import exponent
from overskill.bench.provision.bench import Row, Settings, report
from overskill.bench.provision.contenders import CONTENDERS
from overskill.bench.provision.floor import CALLS
from overskill.bench.provision.run import Run
from overskill.bench.provision.table import show_provision
from overskill.bench.provision.task import Task
from overskill.fleet.costs import PLAIN

SECONDS = {"floor": 2.0, "fleet": 3.0, "loop": 6.0, "alchemy": 1.0}


def row(name: str, apps: int) -> Row:
    contender = next(one for one in CONTENDERS if one.name == name)
    calls = {"cloudflare": 3 * apps, "github": 11 * apps, "content": 10 * apps}
    return Row(
        contender=contender, apps=apps, run=Run(seconds=SECONDS[name] * apps, cpu=apps, memory=10**6, calls=calls)
    )


def found() -> dict:
    rows = [row(name, apps) for apps in (1, 10) for name in SECONDS]
    return report(rows, Settings(apps=[1, 10], profile="realistic"), quick=False, versions={"alchemy": "1"})


@pytest.mark.parametrize(
    ("figures", "power"), [([3, 30, 300], 1), ([1, 100, 10_000], 2), ([5, 5, 5], 0)], ids=["linear", "square", "even"]
)
def test_the_exponent_is_that_of_the_power_law(figures, power):
    assert exponent([1, 10, 100], figures) == pytest.approx(power)


def test_one_size_has_no_exponent():
    assert exponent([10], [3]) is None


def test_a_result_compares_with_the_floor_and_every_peer_that_makes_whole_apps():
    result = json.loads(json.dumps(found()))
    assert result["ratio"] == 1.5
    *goals, foretold = result["goals"]
    assert [(goal["measured"], goal["met"]) for goal in goals] == [(1.5, True), (0.5, True)]
    assert "as forecast" in foretold["goal"]
    assert [each["exponent"] for each in result["growth"]] == pytest.approx([1] * 6)
    (alchemy,) = [each for each in result["rows"] if (each["contender"], each["apps"]) == ("alchemy", 10)]
    assert (alchemy["makes"], alchemy["secondsOfFloor"]) == ("scripts", 0.5)
    assert alchemy["callsPerApp"] == {"cloudflare": 3, "github": 11, "content": 10}


def test_the_table_shows_all_rows_and_goals():
    output = io.StringIO()
    show_provision(found(), Console(file=output, width=120))
    shown = output.getvalue()
    assert sum(line.split()[1:3] == ["fleet", "apps"] for line in shown.splitlines()) == 2
    assert "of the loop's" in shown
    assert "fleet: CPU seconds grow with apps ** 1.00" in shown


def test_a_forecast_is_the_schedule_that_the_limits_allow():
    """500 changes an hour: the floor's 1,000 take one hour, or two with the share of the limits that is used."""
    (floor,) = [each for each in found()["forecast"] if (each["contender"], each["apps"]) == ("floor", 100)]
    assert 3600 < floor["seconds"] < 2.1 * 3600
    assert floor["measured"] is None
    (fleet,) = [each for each in found()["forecast"] if (each["contender"], each["apps"]) == ("fleet", 10)]
    assert fleet["measured"] == 30


def test_nothing_is_forecast_where_no_limit_holds():
    rows = [row(name, 1) for name in SECONDS]
    assert report(rows, Settings(apps=[1], profile="instant"), quick=True, versions={})["forecast"] == []


def test_tokens_of_a_task_are_not_shown():
    task = Task(
        scripts={},
        environments=[],
        cloudflare="http://cloudflare",
        cloudflare_token="planted-a",
        github="http://github",
        github_token="planted-b",
        account="1",
        organization="o",
        template="o/t",
        webhook="http://hook",
        limited=True,
    )
    assert "planted" not in repr(task)
    assert Task.of_json(task.json()) == task


def test_the_floor_is_below_what_the_fleet_reserves():
    assert CALLS.github < PLAIN.create.github
    assert CALLS.content <= PLAIN.create.content
    assert CALLS.cloudflare < PLAIN.create.cloudflare
