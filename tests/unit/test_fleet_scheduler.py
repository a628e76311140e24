"""The pool of workers, on a virtual clock."""

import asyncio

import pytest

from overskill.fleet import virtual_clock
from overskill.fleet.budget import Budget
from overskill.fleet.limits import Calls, Limit
from overskill.fleet.scheduler import Job, Schedule, Scheduler

NONE = Calls()


def jobs(count: int, calls: Calls = NONE) -> list[Job]:
    return [Job(str(number), "up", calls) for number in range(count)]


def test_a_failing_app_stops_no_other_and_is_told_with_its_cause():
    async def do(job, _reservation):
        await asyncio.sleep(1)
        if job.app_id in "135":
            raise ValueError("" if job.app_id == "5" else f"cause {job.app_id}")

    schedule = Schedule.of(jobs(8))
    virtual_clock.run(Scheduler(schedule, Budget(), 2).run(do))
    assert [job.app_id for job in schedule.succeeded] == ["0", "2", "4", "6", "7"]
    assert schedule.failed == {"1": "cause 1", "3": "cause 3", "5": "ValueError"}
    assert (schedule.ended, schedule.seconds, schedule.running, schedule.not_begun) == (8, 8, {}, [])


def test_an_app_that_no_limit_ever_lets_through_fails_alone():
    async def do(_job, _reservation):
        await asyncio.sleep(1)

    schedule, told = Schedule.of([*jobs(3), Job("large", "up", Calls(content=78)), *jobs(2)]), []
    virtual_clock.run(Scheduler(schedule, Budget(), 2).run(do, told.append))
    assert (len(schedule.succeeded), len(told), schedule.held) == (5, 6, [])
    assert schedule.failed.keys() == {"large"}
    assert "78 calls" in schedule.failed["large"]


def test_so_many_at_once_as_there_are_workers():
    busy = []

    async def do(_job, _reservation):
        busy.append(len(schedule.running))
        await asyncio.sleep(1)

    async def run():
        await Scheduler(schedule, Budget(), 3).run(do)
        return asyncio.get_running_loop().time()

    schedule = Schedule.of(jobs(9))
    assert virtual_clock.run(run()) == 3
    assert max(busy) == 3


@pytest.mark.parametrize("calls", [Calls(), Calls(github=5)], ids=["busy", "held by a limit"])
def test_stopped_it_finishes_what_runs_and_begins_nothing(calls):
    async def do(_job, _reservation):
        await asyncio.sleep(10)

    async def run():
        scheduler = Scheduler(schedule, Budget([Limit("ten", "github", 11, 60)]), 3)
        asyncio.get_running_loop().call_later(5, scheduler.stop)
        await scheduler.run(do)
        return asyncio.get_running_loop().time()

    schedule = Schedule.of(jobs(9, calls))
    assert virtual_clock.run(run()) == 10
    running = 2 if calls else 3
    assert (len(schedule.succeeded), len(schedule.not_begun), schedule.failed) == (running, 9 - running, {})


def test_what_waits_for_ever_is_told():
    async def run():
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="never happens"):
        virtual_clock.run(run())
