"""The fleet's scheduler against GitHub's limits as the local cloud enforces them, on a clock that runs faster.

The engine is left out: each run makes an app's changes itself. Neither side knows the other's numbers.
"""

import asyncio
import time
from dataclasses import replace

import httpx
import pytest
from contract_service import LocalCloud

from local_cloud.rate_limits import RateLimits
from overskill.fleet.budget import Budget
from overskill.fleet.costs import PLAIN
from overskill.fleet.limits import PUBLISHED
from overskill.fleet.scheduler import Job, Schedule, Scheduler

FASTER = 120
"""An hour takes half a minute."""

APPS = 45
"""More than an hour's changes are enough for."""

LIMITS = [replace(limit, seconds=limit.seconds / FASTER) for limit in PUBLISHED]
BOUND = max(limit.soonest(APPS * getattr(PLAIN.create, limit.kind)) for limit in LIMITS)
"""Seconds of the fastest schedule that the limits allow."""


@pytest.fixture
def variables(tmp_path):
    """Asks for the variables of a repository, with GitHub's limits enforced."""
    limits = RateLimits(enforcing=lambda: True, clock=lambda: time.time() * FASTER)
    with LocalCloud.run(tmp_path, rate_limits=limits) as cloud:
        headers = {"Authorization": f"Bearer {cloud.cloud.credentials.github_token}"}
        url = str(cloud.client.base_url.join("/api/v3"))
        with httpx.Client(base_url=url, headers=headers, trust_env=False) as client:
            client.post("/orgs/overskill-apps/repos", json={"name": "shop"}).raise_for_status()
            yield client


def answers(client: httpx.Client, job: Job) -> list[int]:
    """Those to the changes of one app's run."""
    path = "/repos/overskill-apps/shop/actions/variables"
    changes = [{"name": f"{job.app_id}_{number}", "value": "x"} for number in range(job.calls.content)]
    return [client.post(path, json=variable).status_code for variable in changes]


@pytest.mark.slow
def test_no_call_is_refused_and_the_fastest_schedule_is_hardly_longer(variables):
    statuses: list[int] = []

    async def run():
        jobs = [Job(f"APP{number}", "up", PLAIN.create) for number in range(APPS)]
        loop = asyncio.get_running_loop()

        async def do(job, _reservation):
            statuses.extend(await loop.run_in_executor(None, answers, variables, job))

        began = loop.time()
        await Scheduler(Schedule.of(jobs), Budget(LIMITS), workers=3).run(do)
        return loop.time() - began

    lasted = asyncio.run(run())
    assert set(statuses) == {201}
    assert len(statuses) == APPS * PLAIN.create.content
    assert BOUND <= lasted <= 1.1 * BOUND
