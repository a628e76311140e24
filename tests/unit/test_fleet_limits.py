"""The buckets: no window ever has more calls than its limit, and none is waited for longer than that asks for."""

import asyncio
import math
import random
from dataclasses import replace

import pytest

from overskill.fleet import virtual_clock
from overskill.fleet.budget import Budget
from overskill.fleet.costs import PLAIN
from overskill.fleet.estimate import estimate
from overskill.fleet.limits import PUBLISHED, Bucket, Calls, Limit
from overskill.fleet.scheduler import Job, Schedule, Scheduler
from overskill.fleet.simulation import Machine, Work, fastest, simulate

TEN = Limit("ten a minute", "github", 10, 60)


def bucket() -> Bucket:
    return Bucket(TEN, share=1)


def test_a_token_comes_back_a_window_after_its_run_has_ended():
    tokens = bucket()
    tokens.take(8)
    assert (tokens.free(0), tokens.wait(2, 0), tokens.wait(3, 0)) == (2, 0, math.inf)
    tokens.spend(8, 5, 7)
    assert (tokens.free(7), tokens.wait(6, 7)) == (5, 60)
    assert (tokens.free(66.9), tokens.free(67)) == (5, 10)


@pytest.mark.parametrize(
    ("calls", "seconds"), [(2, 0), (3, 40), (7, 40), (8, 50), (10, 50), (11, 60), (12, 60), (13, 100)]
)
def test_the_time_for_many_calls(calls, seconds):
    tokens = bucket()
    tokens.spend(0, 5, -20)
    tokens.spend(0, 3, -10)
    assert tokens.time_for(calls, 0) == seconds


def test_a_share_of_each_limit_is_left_to_others():
    assert [Bucket(limit).size for limit in PUBLISHED] == [1164, 4850, 77, 485]


def test_what_no_bucket_ever_holds_is_refused():
    with pytest.raises(ValueError, match="one app needs 78 calls, and GitHub's 80 changes a minute leave 77"):
        Budget().check(Calls(content=78))


def test_no_window_has_more_calls_than_its_limit():
    """Runs of random lengths make their calls at random moments; every window is counted, wherever it begins."""
    chance = random.Random(7)  # noqa: S311 - no secret
    limits = [TEN, Limit("thirty in five", "github", 30, 300)]
    made: list[float] = []

    async def do(job, _reservation):
        began, lasting = asyncio.get_running_loop().time(), chance.uniform(0, 20)
        await asyncio.sleep(lasting)
        made.extend(began + chance.uniform(0, lasting) for _ in range(job.calls.github))

    async def run():
        jobs = [Job(str(number), "up", Calls(github=chance.randint(1, 4))) for number in range(200)]
        await Scheduler(Schedule.of(jobs), Budget(limits), workers=5).run(do)

    virtual_clock.run(run())
    for limit in limits:
        assert max(sum(at <= other < at + limit.seconds for other in made) for at in made) <= limit.calls


def test_calls_of_earlier_runs_still_count():
    async def run():
        budget = Budget([TEN])
        budget.recall([(70, Calls(github=9)), (50, Calls(github=8))])
        async with budget.reserved(Calls(github=9)) as reservation:
            reservation.spent = Calls(github=1)
            waited = asyncio.get_running_loop().time()
        return waited, budget.buckets[0].free(waited)

    assert virtual_clock.run(run()) == (10, 8)


def test_a_wait_that_a_float_rounds_to_nothing_ends_too():
    machine = Machine(cores=2, workers=16, cpu=0.16, waits=2.7)
    assert 60 < simulate(Work("up", 10, Calls(cloudflare=3, github=11, content=10)), machine) < 70


MANY = Machine(cores=16, workers=32)


@pytest.mark.parametrize(
    ("apps", "calls", "machine"),
    [
        (5_000, PLAIN.create, Machine()),
        (5_000, PLAIN.create, MANY),
        (5_000, replace(PLAIN.create, content=0), MANY),
        (30_000, PLAIN.refresh, Machine()),
        (1_000, Calls(cloudflare=40), MANY),
        (1_000, Calls(), Machine()),
    ],
)
def test_a_fleet_takes_hardly_longer_than_the_fastest_schedule(apps, calls, machine):
    work = Work("up", apps, calls)
    bound = fastest(work, machine)
    assert bound.seconds <= simulate(work, machine) <= 1.1 * bound.seconds, bound


def test_the_fastest_schedule_is_bound_by_the_slowest_part():
    assert fastest(Work("up", 50_000, PLAIN.create), Machine()).bottleneck == "GitHub's 500 changes an hour"
    assert fastest(Work("up", 50_000, Calls()), Machine()).bottleneck == "the engine"
    assert fastest(Work("up", 101, Calls(github=1)), Machine(cpu=0), [TEN]).seconds == 600


@pytest.mark.parametrize(
    ("calls", "spent"),
    [(PLAIN.create, PLAIN.create), (PLAIN.refresh, PLAIN.refresh), (PLAIN.create, replace(PLAIN.create, content=3))],
)
def test_the_estimate_is_true_from_the_first_app_on(calls, spent):
    """At each tenth of the run, what was said to be left is within a tenth (or half a minute) of what was left."""
    said: list[tuple[float, float]] = []
    machine = Machine()

    async def run():
        clock = asyncio.get_running_loop().time
        schedule = Schedule.of(Job(str(number), "up", calls) for number in range(3000))
        budget, cores = Budget(), asyncio.Semaphore(machine.cores)

        async def do(job, reservation):
            reservation.spent = spent
            if int(job.app_id) % 300 == 5:
                said.append((clock(), estimate(schedule, budget, machine.workers, clock()).seconds))
            async with cores:
                await asyncio.sleep(machine.cpu)
            await asyncio.sleep(machine.waits)

        await Scheduler(schedule, budget, machine.workers).run(do)
        return clock()

    end = virtual_clock.run(run())
    assert len(said) == 10
    assert [(at, left, end - at) for at, left in said if abs(left - (end - at)) > max(30, 0.1 * (end - at))] == []
