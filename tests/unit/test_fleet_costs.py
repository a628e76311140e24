"""The calls that a run reserves, against what the official plugin was recorded to make for the same resources.

tests/e2e/test_fleet.py holds `costs.py` to what is really made.
"""

from collections import Counter

import pytest
from standin_traces import Call, recorded, shared

from overskill.fleet.costs import PLAIN

APP = {"repository": 1, "hooks": 1, "environments": 3, "variables": 1, "secrets": 1}
"""What an app has of the resources in the recording, which has one of each. An app's ruleset is not in it."""

RULESET = {"create": 2, "refresh": 1, "destroy": 1}
"""Calls for the ruleset at least: it is made and read, read, deleted."""

MOST = 1.3


def kind(call: Call) -> str:
    """Whose resource a call is about; `session` for those that every run makes once."""
    _, path, _ = call
    if path.startswith("orgs/"):
        return "session"
    return next((one for one in APP if f"/{one}" in path), "repository")


def official(calls: list[Call]) -> int:
    """The official plugin's calls for an app's resources, by those of the recorded ones."""
    made = Counter(map(kind, calls))
    assert made.keys() <= {*APP, "session"}
    return 1 + sum(made[one] * count for one, count in APP.items())


@pytest.mark.parametrize(
    ("step", "ours", "ruleset"),
    [
        ("up (create)", PLAIN.create, "create"),
        ("refresh (nothing changed)", PLAIN.refresh, "refresh"),
        ("destroy", PLAIN.destroy, "destroy"),
    ],
)
def test_a_run_makes_hardly_more_calls_than_the_official_plugin(step, ours, ruleset):
    steps = recorded(shared("traces/official-github-plugin.txt"), "/api/v3/")
    theirs = official(steps[step]) + RULESET[ruleset]
    assert theirs <= ours.github <= MOST * theirs, theirs
