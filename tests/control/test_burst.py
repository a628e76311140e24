"""Bursts of webhooks, with what networks and machines do to them: every delivery is worked off, in effect once."""

import asyncio
import random
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from inbox_view import deliveries, deploy_events, deployments, worked_off
from server_process import Installation, ServerProcess
from webhook_sender import Answered, Request, from_pipeline, notice, send, sent

from control_plane.deployments import STATUSES

Message = tuple[str, dict[str, Any]]
"""An id and a body: signed anew whenever it is sent."""

Told = tuple[tuple[str, int], str, dict[str, Any]]
"""A deployment's script and run, the status that a notice gives it, and the notice."""

APPS = [f"app{number}" for number in range(20)]
TYPES = {"started": "building", "built": "built", "uploaded": "uploaded", "succeeded": "succeeded"}
"""What a run tells, with what its deployment then is."""


def notices(count: int, chance: random.Random) -> Iterator[Told]:
    """So many of runs that tell four things each, though one in ten is never sent: script and run, status, notice."""
    for number in range(count * 10 // 9):
        run, (type, status) = number // 4, list(TYPES.items())[number % 4]
        app_id = APPS[run % len(APPS)]
        if chance.random() >= 0.1:
            yield (app_id, run + 1), status, notice(app_id, type, run + 1)


def burst(installation: Installation, count: int) -> None:
    """The server is killed twice while they come, and starts again; senders send again what was not answered."""
    chance = random.Random(8)  # noqa: S311
    server = installation.declare(*APPS).server()
    told = list(notices(count, chance))
    chance.shuffle(told)
    unsent = [(f"msg_{number}", body) for number, (_, _, body) in enumerate(told)]
    unsent += chance.sample(unsent, len(unsent) // 5)  # as if their answers had been lost
    chance.shuffle(unsent)
    for share in (1, 2):
        killer = threading.Thread(target=_kill_at, args=(installation, server, len(told) * share // 3))
        killer.start()
        unsent = _unanswered(server, unsent)
        killer.join()
        server.start()
    assert _unanswered(server, unsent) == []
    worked_off(installation.database, seconds=60 + count / 10)
    _took_effect_once(installation, told)


def _took_effect_once(installation: Installation, told: list[Told]) -> None:
    """Each deployment is where the furthest of its notices has it, and no status of it was an event twice."""
    expected: dict[tuple[str, int], set[str]] = {}
    for key, status, _ in told:
        expected.setdefault(key, set()).add(status)
    assert deliveries(installation.database) == len(told)
    assert deployments(installation.database) == {key: max(of, key=STATUSES.index) for key, of in expected.items()}
    for key, statuses in deploy_events(installation.database).items():
        assert statuses == sorted(set(statuses), key=STATUSES.index), key
        assert set(statuses) <= expected[key]
        assert statuses[-1] == max(expected[key], key=STATUSES.index)


def _unanswered(server: ServerProcess, unsent: list[Message]) -> list[Message]:
    """Send them; those that have no answer."""
    answers = sent(server.port, (from_pipeline(body, id=id) for id, body in unsent))
    assert {answer.status for answer in answers} <= {0, 202}
    return [message for message, answer in zip(unsent, answers, strict=True) if answer.status == 0]


def _kill_at(installation: Installation, server: ServerProcess, count: int) -> None:
    """Once it has accepted so many."""
    while deliveries(installation.database) < count:
        time.sleep(0.005)
    server.kill()


def test_a_burst_of_a_thousand_through_two_deaths_of_the_server(installation):
    burst(installation, 1_000)


def test_two_servers_that_are_sent_the_same_deliveries_at_once(installation):
    told = list(notices(300, random.Random(8)))  # noqa: S311
    ports = [installation.declare(*APPS).server().port, installation.server().port]

    async def both() -> list[list[Answered]]:
        messages = [(f"msg_{number}", body) for number, (_, _, body) in enumerate(told)]
        orders = messages, messages[::-1]
        sending = [
            send(port, (from_pipeline(body, id=id) for id, body in order))
            for port, order in zip(ports, orders, strict=True)
        ]
        return await asyncio.gather(*sending)

    assert {answer.status for answers in asyncio.run(both()) for answer in answers} == {202}
    worked_off(installation.database, 120)
    _took_effect_once(installation, told)


@pytest.mark.slow
def test_a_burst_of_ten_thousand_through_two_deaths_of_the_server(installation):
    burst(installation, 10_000)


def figures(answers: list[Answered], seconds: float) -> str:
    times = sorted(answer.seconds for answer in answers)
    p50, p99 = (times[len(times) * share // 100] * 1000 for share in (50, 99))
    return (
        f"{len(answers)} in {seconds:.1f} s, {len(answers) / seconds:.0f} a second, p50 {p50:.0f} ms, p99 {p99:.0f} ms"
    )


@pytest.mark.slow
def test_how_fast_webhooks_are_accepted(installation):
    """A burst by 32 connections, then a steady hundred a second."""
    server = installation.declare(*APPS).server()
    bodies = [body for _, _, body in notices(11_000, random.Random(8))]  # noqa: S311
    began, used = time.monotonic(), server.cpu
    answers = sent(server.port, map(from_pipeline, bodies[:10_000]))
    accepted = figures(answers, time.monotonic() - began)
    worked_off(installation.database, 900)
    took, each = time.monotonic() - began, (server.cpu - used) / len(answers) * 1000
    print(f"\n{installation.database.engine.dialect.name}: burst: {accepted}; worked off after {took:.1f} s")
    print(f"{each:.1f} ms of the server's CPU for each")
    began = time.monotonic()
    steady = asyncio.run(_steady(server.port, map(from_pipeline, bodies[10_000:]), 100))
    print(f"steady: {figures(steady, time.monotonic() - began)}")
    worked_off(installation.database, 300)
    assert {answer.status for answer in answers + steady} == {202}


async def _steady(port: int, requests: Iterable[Request], per_second: int) -> list[Answered]:
    tasks = []
    for request in requests:
        tasks.append(asyncio.create_task(send(port, [request], connections=1)))
        await asyncio.sleep(1 / per_second)
    return [answer for answers in await asyncio.gather(*tasks) for answer in answers]
