"""What a profile decides, and that chance can be repeated."""

from collections import Counter

import pytest
from pydantic import ValidationError

from local_cloud.cloudflare.rate_limits import WINDOW_SECONDS, RateLimit
from local_cloud.profiles import PROFILES, Conditions, Wanted
from local_cloud.profiles.chance import draw
from local_cloud.profiles.faults import HOSTILE_CALLS, HOSTILE_DELIVERIES, CallRule, Duplicate, Slow, Status
from local_cloud.profiles.latencies import LATENCIES, kind_of, latency_of

SCRIPT = "/accounts/{account}/workers/scripts/{script}"


def conditions(**wanted):
    return Conditions(Wanted(**wanted))


def call(asked, method="PUT", path="/accounts/a/workers/scripts/b", template=SCRIPT, service="cloudflare"):
    return asked.call(service, method, path, template, "application/json")


def met(asked, count, **which):
    return [str(call(asked, **which).fault) for _ in range(count)]


def rule(nth=1, times=1, **more):
    given = {"service": "cloudflare", "method": "PUT", "path": "/accounts/*/workers/scripts/*", **more}
    return CallRule(nth=nth, times=times, fault=Status(status=503, when="after"), **given)


def test_the_same_seed_and_calls_meet_the_same_faults():
    first = met(conditions(name="hostile", seed=7), 300)
    assert met(conditions(name="hostile", seed=7), 300) == first
    assert met(conditions(name="hostile", seed=8), 300) != first


def test_other_calls_in_between_and_made_up_names_change_nothing():
    first = met(conditions(name="hostile", seed=7), 300)
    asked = conditions(name="hostile", seed=7)
    mixed = []
    for number in range(300):
        call(asked, method="GET")
        asked.delivery("push")
        mixed.append(str(call(asked, path=f"/accounts/a/workers/scripts/{number}").fault))
    assert mixed == first


def test_a_hostile_service_fails_one_call_in_ten_in_every_way():
    asked = conditions(name="hostile", seed=1)
    counts = Counter(met(asked, 10_000))
    assert counts["None"] == pytest.approx(9_000, abs=150)
    for share, fault in HOSTILE_CALLS:
        assert counts[str(fault)] == pytest.approx(share * 10_000, abs=50)
    deliveries = Counter(str(asked.delivery("push").fault) for _ in range(2_000))
    for share, fault in HOSTILE_DELIVERIES:
        assert deliveries[str(fault)] == pytest.approx(share * 2_000, abs=50)


@pytest.mark.parametrize("name", ["instant", "realistic"])
def test_the_others_fail_none(name):
    assert set(met(conditions(name=name), 1_000)) == {"None"}


def test_only_the_instant_one_takes_no_time_and_enforces_nothing():
    assert {name: conditions(name=name).enforce_limits for name in PROFILES} == {
        "instant": False,
        "realistic": True,
        "hostile": True,
    }
    assert {name: call(conditions(name=name)).seconds > 0 for name in PROFILES} == {
        "instant": False,
        "realistic": True,
        "hostile": True,
    }
    assert call(conditions(name="hostile", latencies=False)).seconds == 0
    assert conditions(name="instant", enforce_limits=True).enforce_limits


def test_a_plan_says_which_call_goes_wrong():
    asked = conditions(calls=(rule(nth=3, times=2),))
    for other in ({"method": "GET"}, {"service": "github"}, {"path": "/accounts/a/workers/scripts/b/settings"}):
        assert met(asked, 5, **other) == ["None"] * 5
    failed = "503 after it took effect"
    assert met(asked, 6) == ["None", "None", failed, failed, "None", "None"]
    assert asked.shown()["calls"][0]["seen"] == 6


def test_a_plan_goes_before_chance():
    calls = (rule(times=1_000),)
    assert set(met(conditions(name="hostile", calls=calls), 1_000)) == {"503 after it took effect"}


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/a/*/c", "/a/b/c", True),
        ("/a/*/c", "/a/b/b/c", False),
        ("/a/**", "/a/b/c", True),
        ("/a/b*", "/a/bc", True),
        ("/a.b", "/axb", False),
    ],
)
def test_patterns(pattern, path, matches):
    assert rule(path=pattern).matches("cloudflare", "PUT", path) is matches


def test_what_is_late_takes_longer_and_a_duplicate_does_not():
    plan = Wanted.model_validate_json(
        '{"deliveries": [{"event": "push", "fault": {"kind": "late", "seconds": 3}},'
        '{"event": "*", "nth": 2, "fault": {"kind": "duplicate"}}]}'
    )
    asked = Conditions(plan)
    assert asked.delivery("push").seconds == 3
    assert asked.delivery("ping") == asked.delivery("push").__class__(seconds=0.0, fault=Duplicate())


@pytest.mark.parametrize(
    "wrong",
    [
        '{"name": "slow"}',
        '{"seed": "7"}',
        '{"calls": [{"service": "cloudflare", "method": "GET", "path": "/", "fault": {"kind": "no"}}]}',
        '{"calls": [{"service": "npm", "method": "GET", "path": "/", "fault": {"kind": "reset"}}]}',
        '{"calls": [{"service": "github", "method": "GET", "path": "/", "nth": 0, "fault": {"kind": "reset"}}]}',
        '{"calls": [{"service": "github", "method": "GET", "path": "/", "fault": {"kind": "status", "status": 200}}]}',
        '{"deliveries": [{"event": "push", "fault": {"kind": "late", "seconds": 0}}]}',
        '{"until": 7}',
    ],
)
def test_a_wrong_plan_is_refused(wrong):
    with pytest.raises(ValidationError):
        Wanted.model_validate_json(wrong)


def test_latencies_are_spread_around_the_table():
    for latency in LATENCIES:
        assert latency.source
        assert latency.seconds(0.5) == pytest.approx(latency.median)
        assert latency.seconds(0.95) == pytest.approx(latency.p95)
        assert 0 < latency.seconds(0.0) < latency.seconds(0.999999) < 60 * latency.p95
    write = latency_of("cloudflare", "write")
    taken = sorted(write.seconds(draw(1, number)) for number in range(2_001))
    assert taken[1_000] == pytest.approx(write.median, rel=0.15)


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (("GET", "/zones/{zone}", ""), "read"),
        (("GET", "/zones", ""), "list"),
        (("POST", "/zones", "application/json"), "write"),
        (("PUT", SCRIPT, "multipart/form-data; boundary=x"), "upload"),
    ],
)
def test_kinds_of_calls(call, kind):
    assert kind_of(*call) == kind


def test_a_kind_without_a_row_is_a_write():
    assert latency_of("github", "upload") == latency_of("github", "write")


def test_faults_say_what_they_are():
    assert str(Slow(seconds=2.5)) == "slow by 2.5 s"


def test_too_many_calls_are_blocked_for_five_minutes():
    now = 1_000.0
    limit = RateLimit(3, clock=lambda: now)
    assert limit.headers("a") == {}
    assert [limit.take("a") for _ in range(3)] == [True] * 3
    assert limit.headers("a") == {"Ratelimit": '"default";r=0;t=300', "Ratelimit-Policy": '"default";q=3;w=300'}
    now += 200.5
    assert not limit.take("a")
    assert limit.take("b")
    now += 10.2
    assert not limit.take("a")
    assert limit.headers("a")["Retry-After"] == "290"
    now += WINDOW_SECONDS - 10
    assert limit.take("a")
    assert limit.headers("a")["Ratelimit"] == '"default";r=2;t=300'


def test_a_window_begins_anew_without_a_block():
    now = 0.0
    limit = RateLimit(2, clock=lambda: now)
    assert [limit.take("a"), limit.take("a")] == [True, True]
    now += WINDOW_SECONDS
    assert [limit.take("a"), limit.take("a"), limit.take("a")] == [True, True, False]
