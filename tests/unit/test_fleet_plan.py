"""What a fleet run decides to do, and how many calls it reserves and counts for that."""

from pathlib import Path

import pytest

from overskill.engine import Outcome
from overskill.fleet import costs
from overskill.fleet.costs import CREATE, REFRESH, RESUME, SUSPEND, UNCHANGED, UPDATE, most
from overskill.fleet.index import Entry
from overskill.fleet.plan import plan


def entry(app: str, state: str = "done", digest: str = "d") -> Entry:
    return Entry(app=app, stack=f"p/local.{app}", digest=digest, state=state, error="", began=0, ended=1)


KNOWN = {
    one.app: one
    for one in [
        entry("same"),
        entry("other", digest="old"),
        entry("failed", "failed"),
        entry("cut", "running"),
        entry("gone"),
        entry("left"),
    ]
}
WANTED = dict.fromkeys(["new", "same", "other", "failed", "cut"], "d")


def test_only_what_differs_is_run_and_first_what_a_run_has_left_unfinished():
    made = plan(WANTED, {"gone": "destroy"}, KNOWN, verify=False)
    assert [(job.app_id, job.operation, job.calls) for job in made.jobs] == [
        ("failed", "up", CREATE + REFRESH),
        ("cut", "up", CREATE + REFRESH),
        ("new", "up", CREATE),
        ("other", "up", UPDATE),
        ("gone", "destroy", most("destroy", None)),
    ]
    assert (made.unchanged, made.left_out) == (["same"], ["left"])


def test_verify_looks_at_what_is_unchanged_too():
    jobs = plan(WANTED, {}, KNOWN, verify=True).jobs
    assert [job.app_id for job in jobs if job.operation == "verify"] == ["same"]
    assert len(jobs) == 5


def test_an_app_that_shall_go_is_suspended_first_and_one_that_is_wanted_again_brought_up():
    made = plan({"same": "d"}, {"gone": "suspend", "left": "wait"}, KNOWN, {"same", "gone"}, verify=False)
    assert [(job.app_id, job.operation, job.calls) for job in made.jobs] == [
        ("same", "up", UPDATE + RESUME),
        ("gone", "suspend", SUSPEND),
    ]
    assert (made.unchanged, made.waiting, made.left_out) == ([], ["left"], ["cut", "failed", "other"])


@pytest.mark.parametrize(
    ("code", "changes", "refreshed", "made"),
    [
        (0, {"same": 9}, False, UNCHANGED),
        (0, {"same": 9}, True, REFRESH),
        (0, {"same": 8, "update": 1}, False, CREATE),
        (1, {}, False, CREATE),
    ],
)
def test_a_run_that_found_nothing_to_do_gives_its_calls_back(code, changes, refreshed, made):
    assert costs.made(CREATE, Outcome(code, Path(), changes), refreshed=refreshed) == made
