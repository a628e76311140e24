"""The drills' own parts: how one ends, and their page; that of the last full run says that none ended wrong."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from overskill.drill.command import DRILLS
from overskill.drill.faulty_calls import shown
from overskill.drill.page import HEAD, written
from overskill.drill.row import Row, drilled, require

PAGE = Path(__file__).parents[2] / "docs" / "drills.md"


def ended(work) -> Row:
    rows: list[Row] = []
    with drilled("deploy", "Cloudflare", "500", rows) as course:
        work(course)
    (row,) = rows
    return row


def test_a_drill_ends_by_itself_told_or_wrong():
    calls = []

    def told_once() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("try\nagain")

    assert ended(lambda _: None).end == "by itself"
    told = ended(lambda course: course.until_done(told_once, ValueError))
    assert (told.end, told.told, len(calls)) == ("told", "try again", 2)
    wrong = ended(lambda _: require(False, "it is not there"))
    assert (wrong.end, wrong.told) == ("wrong", "Wrong: it is not there")
    assert ended(lambda course: course.until_done(lambda: 1 / 0, ValueError)).end == "wrong"


def test_the_page_adds_up():
    rows = [
        Row(drill="deploy", place="PUT /a", fault=fault, end=end, told="", seconds=1)
        for fault, end in (("500", "told"), ("429", "by itself"), ("reset", "by itself"))
    ]
    assert "| deploy | `PUT /a` | 500, 429, reset | 3 | 2 | 1 | 0 |" in written(rows, seed=0)


def test_a_call_is_told_without_what_all_of_them_have():
    account = f"/accounts/{'0' * 32}"
    assert shown("PUT", f"{account}/workers/dispatch/namespaces/dev/scripts/*") == "PUT dispatch/namespaces/scripts/*"
    assert shown("GET", f"{account}/storage/kv/namespaces/a1/keys") == "GET storage/kv/namespaces/keys"
    assert shown("GET", "/repos/overskill-apps/*/hooks") == "GET repos/overskill-apps/*/hooks"
    page = PAGE.read_text()
    assert "GET repos/overskill-apps/*`" in page
    assert not re.search(r"^\|.*(`[A-Z]+ /|\.drill\d)", page, re.M)


def test_the_last_full_run_ended_right():
    page = PAGE.read_text()
    assert page.startswith(HEAD)
    lines = re.findall(r"\| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", page, re.M)
    (total,) = re.findall(r"\*\*(\d+) drills: ", page)
    assert sum(int(line[0]) for line in lines) == int(total) > 0
    assert {line[3] for line in lines} == {"0"}


@pytest.mark.parametrize("name", DRILLS)
def test_each_kind_is_a_module(name):
    assert import_module(f"overskill.drill.{name}").drill
