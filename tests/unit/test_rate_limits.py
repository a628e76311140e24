"""GitHub's rate limits: counted always, enforced if so told."""

import pytest

from local_cloud.rate_limits import Primary, PrimaryLimitError, RateLimits, Secondary, SecondaryLimitError


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def limits(clock):
    secondary = Secondary(content_per_minute=2, content_per_hour=3, at_once=1)
    return RateLimits(secondary=secondary, enforcing=lambda: True, clock=clock)


def test_an_hour_begins_with_its_first_call(limits, clock):
    first = limits.spend("user ID 1", 10, creates=False)
    assert (first.limit, first.used, first.remaining, first.reset) == (10, 1, 9, 4600)
    clock.now += 3599
    assert limits.spend("user ID 1", 10, creates=False).used == 2
    assert limits.spend("user ID 2", 10, creates=False).used == 1
    clock.now += 1
    assert limits.spend("user ID 1", 10, creates=False).used == 1
    assert limits.give_back("user ID 1", 10).used == 0
    assert limits.give_back("user ID 1", 10).used == 0
    assert limits.usage("user ID 1", 10).reset == 8200


def test_a_call_too_many_is_refused_until_the_hour_ends(limits, clock):
    for _ in range(2):
        limits.spend("user ID 1", 2, creates=False)
    for _ in range(2):
        with pytest.raises(PrimaryLimitError) as refused:
            limits.spend("user ID 1", 2, creates=False)
        assert (refused.value.usage.used, refused.value.usage.remaining) == (2, 0)
    clock.now += 3600
    limits.spend("user ID 1", 2, creates=False)


def test_content_has_limits_of_its_own(limits, clock):
    for _ in range(2):
        limits.spend("user ID 1", 100, creates=True)
    with pytest.raises(SecondaryLimitError) as refused:
        limits.spend("user ID 1", 100, creates=True)
    assert refused.value.retry_after == 61
    assert limits.spend("user ID 1", 100, creates=False).used == 3
    limits.spend("user ID 2", 100, creates=True)
    clock.now += 60
    limits.spend("user ID 1", 100, creates=True)
    clock.now += 60
    with pytest.raises(SecondaryLimitError) as refused:
        limits.spend("user ID 1", 100, creates=True)
    assert 3480 <= refused.value.retry_after <= 3481
    clock.now += 3481
    limits.spend("user ID 1", 100, creates=True)


def test_calls_at_once(limits):
    with limits.under_way("a"), limits.under_way("b"), pytest.raises(SecondaryLimitError), limits.under_way("a"):
        pass
    with pytest.raises(KeyError), limits.under_way("a"):
        raise KeyError
    with limits.under_way("a"):
        pass


def test_what_is_not_enforced_is_counted_all_the_same(clock):
    limits = RateLimits(secondary=Secondary(content_per_minute=0, at_once=0), enforcing=lambda: False, clock=clock)
    with limits.under_way("a"):
        used = [limits.spend("user ID 1", 2, creates=True) for _ in range(3)]
    assert [usage.used for usage in used] == [1, 2, 3]
    # A client that sees 0 may stop by itself.
    assert [usage.remaining for usage in used] == [1, 1, 1]


@pytest.mark.parametrize(("repositories", "limit"), [(0, 5000), (20, 5000), (21, 6050), (149, 12450), (50_000, 12_500)])
def test_an_installation_may_call_more_with_more_repositories(repositories, limit):
    assert Primary().of_installation(repositories) == limit
