"""What a run of the engine is told to have done, read from its event log."""

import json

import pytest

from overskill.engine import Outcome, outcome_of

URN = "urn:pulumi:local.shop::overskill-apps"
REPOSITORY = "github:index/repository:Repository"
REAL = {"custom": True}
STEPS = [
    {"op": "create", "type": "pulumi:pulumi:Stack", "urn": f"{URN}::pulumi:pulumi:Stack::overskill-apps-local.shop"},
    {"op": "create", "type": "overskill:apps:App", "urn": f"{URN}::overskill:apps:App::shop", "new": {}},
    {"op": "read", "type": "pulumi:pulumi:StackReference", "urn": f"{URN}::StackReference::local", "new": REAL},
    {"op": "update", "type": REPOSITORY, "urn": f"{URN}::overskill:apps:App${REPOSITORY}::shop", "new": REAL},
    {"op": "delete", "type": REPOSITORY, "urn": f"{URN}::{REPOSITORY}::old", "old": REAL, "new": None},
    {"op": "same", "type": REPOSITORY, "urn": f"{URN}::{REPOSITORY}::other", "new": REAL},
    {"op": "update", "type": "pulumi:providers:github", "urn": f"{URN}::pulumi:providers:github::d", "new": REAL},
]


def test_outcome_counts_changes_and_keeps_errors(tmp_path):
    events = tmp_path / "run.events"
    lines = [
        {"preludeEvent": {}},
        {"diagnosticEvent": {"severity": "warning", "message": "careful"}},
        {"diagnosticEvent": {"severity": "error", "message": "HTTP 422: taken\n"}},
        {"policyEvent": {"policyName": "names", "message": "wrong\n", "enforcementLevel": "mandatory"}},
        {"policyEvent": {"policyName": "advice", "message": "better", "enforcementLevel": "advisory"}},
        *({"resourcePreEvent": {"metadata": step}} for step in STEPS),
        {"summaryEvent": {"resourceChanges": {"create": 3, "same": 9}}},
    ]
    events.write_text("\n".join(json.dumps(line) for line in lines))
    outcome = outcome_of(255, tmp_path / "run.log", events)
    assert not outcome.ok
    assert outcome.summary() == "3 created, 9 unchanged"
    assert outcome.steps == ["update Repository shop", "delete Repository old"]
    assert outcome.failure() == "warning: careful\npolicy names: wrong\nHTTP 422: taken"
    assert (outcome.warnings, outcome.violations) == (["warning: careful"], ["policy names: wrong"])
    assert not events.exists()


def test_a_run_without_events_fails_with_the_end_of_its_log(tmp_path):
    log = tmp_path / "run.log"
    log.write_text("error: no Pulumi.yaml\n")
    assert outcome_of(1, log, tmp_path / "none").failure() == "error: no Pulumi.yaml"


@pytest.mark.parametrize(
    ("changes", "summary"), [({}, "nothing to do"), ({"update": 1}, "1 updated"), ({"same": 0}, "nothing to do")]
)
def test_summary(tmp_path, changes, summary):
    assert Outcome(0, tmp_path, changes).summary() == summary
