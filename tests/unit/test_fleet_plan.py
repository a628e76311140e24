"""What a fleet run decides to do, and how many calls it reserves and counts for that."""

from pathlib import Path

import pytest

from app_stacks.config import AppConfig
from overskill.engine import Outcome
from overskill.fleet.costs import DELETE_REPOSITORY, LOOK_AGAIN, PLAIN, RESUME, SESSION, SUSPEND, Costs
from overskill.fleet.desired_state import Desired
from overskill.fleet.index import Entry
from overskill.fleet.limits import Calls
from overskill.fleet.plan import Absent, plan


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
DESIRED = Desired({}, "d", PLAIN)
WANTED = dict.fromkeys(["new", "same", "other", "failed", "cut"], DESIRED)
CREATE, REFRESH = PLAIN.create, PLAIN.refresh


def absent(**steps: str) -> dict[str, Absent]:
    return {app: Absent(step, PLAIN) for app, step in steps.items()}


def test_only_what_differs_is_run_and_first_what_a_run_has_left_unfinished():
    made = plan(WANTED, absent(gone="destroy"), KNOWN, verify=False)
    assert [(job.app_id, job.operation, job.calls) for job in made.jobs] == [
        ("failed", "up", CREATE + REFRESH),
        ("cut", "up", CREATE + REFRESH),
        ("new", "up", CREATE),
        ("other", "up", CREATE),
        ("gone", "destroy", PLAIN.destroy + REFRESH + LOOK_AGAIN + RESUME + DELETE_REPOSITORY),
    ]
    assert (made.unchanged, made.left_out) == (["same"], ["left"])


def test_verify_looks_at_what_is_unchanged_too():
    jobs = plan(WANTED, {}, KNOWN, verify=True).jobs
    assert [job.app_id for job in jobs if job.operation == "verify"] == ["same"]
    assert len(jobs) == 5


def test_an_app_that_shall_go_is_suspended_first_and_one_that_is_wanted_again_brought_up():
    made = plan({"same": DESIRED}, absent(gone="suspend", left="wait"), KNOWN, {"same", "gone"}, verify=False)
    assert [(job.app_id, job.operation, job.calls) for job in made.jobs] == [
        ("same", "up", CREATE + RESUME),
        ("gone", "suspend", SUSPEND),
    ]
    assert (made.unchanged, made.waiting, made.left_out) == ([], ["left"], ["cut", "failed", "other"])


@pytest.mark.parametrize(
    ("steps", "refreshed", "made"),
    [
        ([], False, SESSION),
        ([], True, REFRESH),
        (["update NamespaceScript a-preview", "update Repository a"], False, Calls(cloudflare=2, github=9, content=5)),
        (["delete ActionsSecret a-secret-KEY"], True, REFRESH + Calls(github=3, content=1)),
    ],
)
def test_a_run_gives_back_the_calls_of_what_it_did_not_do(steps, refreshed, made):
    assert PLAIN.made(Outcome(0, Path(), steps=steps), refreshed=refreshed) == made


def test_an_app_costs_what_it_declares():
    app = AppConfig(
        platform_stack="local",
        app_id="a",
        app_environments=["production", "preview"],
        plan="pro",
        data=["d1", "r2"],
        hostnames=["shop.com"],
        variables={"A": "1"},
        secrets=["B", "C"],
        deploy_credentials="token",
        team="builders",
    )
    costs = Costs(app, oidc_subject=True, namespaces=4)
    fewer, more = (
        Calls(cloudflare=2, github=2 * 1, content=1),
        Calls(cloudflare=2 * (1 + 4 + 2), github=2 + 3 * 3 + 4 + 2),
    )
    assert costs.create.cloudflare == CREATE.cloudflare - fewer.cloudflare + more.cloudflare
    assert costs.create.github == CREATE.github - fewer.github + more.github
    assert costs.create.content == CREATE.content - fewer.content + 6
    assert (costs.refresh.cloudflare, costs.destroy.content) == (2 + 4 + 3, 1)
    assert costs.destroy.cloudflare == 2 + 4 + 3 + 4
