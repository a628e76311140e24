"""What a fleet run decides to do, and how many calls it reserves and counts for that."""

from pathlib import Path

import pytest

from overskill.engine import Outcome
from overskill.fleet import costs
from overskill.fleet.costs import CREATE, DESTROY, REFRESH, UNCHANGED, UPDATE
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
    made = plan(WANTED, ["gone"], KNOWN, verify=False)
    assert [(job.app_id, job.operation, job.calls) for job in made.jobs] == [
        ("failed", "up", CREATE + REFRESH),
        ("cut", "up", CREATE + REFRESH),
        ("new", "up", CREATE),
        ("other", "up", UPDATE),
        ("gone", "destroy", DESTROY + REFRESH),
    ]
    assert (made.unchanged, made.left_out) == (["same"], ["left"])


def test_verify_looks_at_what_is_unchanged_too():
    jobs = plan(WANTED, [], KNOWN, verify=True).jobs
    assert [job.app_id for job in jobs if job.operation == "verify"] == ["same"]
    assert len(jobs) == 5


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
