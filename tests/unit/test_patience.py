"""When work is done again, after which pauses, and what the last error says. The clock is the test's."""

from collections.abc import Iterator

import pytest

from app_stacks.cloudflare_error import CloudflareError
from app_stacks.patience import SPREAD, Patience

BUSY = CloudflareError("PUT /x: HTTP 503: busy", 503, passing=True)
LIMITED = CloudflareError("PUT /x: HTTP 429: wait", 429, passing=True)
BLOCKED = CloudflareError("PUT /x: HTTP 429: wait", 429, passing=True, retry_after=300)


class Time:
    """Passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def patience(time: Time) -> Patience:
    return Patience(clock=lambda: time.now, sleep=time.sleep)


def work(failures: Iterator[CloudflareError | None]) -> str:
    failure = next(failures, None)
    if failure:
        raise failure
    return "done"


def through(patience: Patience, *failures: CloudflareError) -> str:
    given = iter(failures)
    return patience.through(lambda: work(given))


def within(pauses: list[float], expected: list[float]) -> bool:
    pairs = zip(pauses, expected, strict=True)
    return all(least <= pause <= least * (1 + SPREAD) for pause, least in pairs)


def test_what_succeeds_is_done_once(patience: Patience, time: Time) -> None:
    assert through(patience) == "done"
    assert time.pauses == []


def test_pauses_double_up_to_the_longest(patience: Patience, time: Time) -> None:
    assert through(patience, *[LIMITED] * 8) == "done"
    assert within(time.pauses, [1, 2, 4, 8, 16, 32, 60, 60])


def test_nothing_is_done_before_it_is_asked_for_again(patience: Patience, time: Time) -> None:
    assert through(patience, BLOCKED, BUSY) == "done"
    # the block is not counted as patience with what is busy
    assert within(time.pauses, [300, 2])


def test_a_block_of_five_minutes_is_waited_for_even_if_nobody_says_how_long(patience: Patience, time: Time) -> None:
    asked = 0

    def blocked() -> str:
        nonlocal asked
        asked += 1
        if time.now < 300:
            raise LIMITED
        return "done"

    assert patience.through(blocked) == "done"
    assert asked < 15


def test_who_gives_up_says_what_failed_how_often_and_what_to_do(patience: Patience, time: Time) -> None:
    with pytest.raises(CloudflareError) as given_up:
        through(patience, *[BUSY] * 100)
    assert str(given_up.value).startswith("PUT /x: HTTP 503: busy; given up after ")
    assert "run it again" in str(given_up.value)
    assert given_up.value.status == 503
    assert not given_up.value.passing
    assert 30 < time.now <= 120


def test_a_limit_that_never_ends_is_given_up_too(patience: Patience, time: Time) -> None:
    with pytest.raises(CloudflareError, match=r"1,200 calls .* wait for five"):
        through(patience, *[BLOCKED] * 100)
    assert 600 < time.now <= 900


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(400, ""), (401, "; check CLOUDFLARE_API_TOKEN"), (403, "; give the token"), (404, "; bring")],
)
def test_what_does_not_pass_fails_at_once(patience: Patience, time: Time, status: int, remedy: str) -> None:
    with pytest.raises(CloudflareError, match=f"^refused{remedy}") as refused:
        through(patience, CloudflareError("refused", status))
    assert (refused.value.status, time.pauses) == (status, [])
