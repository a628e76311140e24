"""A hundred apps, and a thousand: made, left alone, checked, changed and taken away again, with the real engine."""

import resource
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass

import pytest
from conftest import Checkout
from fleet_steps import app, apply, assert_exact, counted, write

from overskill.fleet.costs import PLAIN, PLAN
from overskill.fleet.limits import Calls

MOST_UNCHANGED = 30
"""Seconds that a run may take that finds nothing to do, the goal for a thousand apps."""


@dataclass(frozen=True)
class Cost:
    """What one command took: `cpu` is that of its processes, those of the local cloud left out."""

    seconds: float
    cpu: float
    calls: Calls


class Meter:
    """Runs commands of a checkout and tells what each took, by the log of its local cloud."""

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout
        self._log = checkout.root / ".overskill" / "local-cloud" / "requests.log"

    def fleet(self, name: str, count: int, *options: str) -> Cost:
        """A run of the fleet, which fails for no app; shown by its `name`, for each of `count` apps."""
        return self._measured(name, count, lambda: apply(self._checkout, *options))

    def drift(self, count: int) -> Cost:
        """A sweep that finds nothing."""
        return self._measured("drift", count, lambda: self._checkout.run("drift"))

    def _measured(self, name: str, count: int, command: Callable[[], str]) -> Cost:
        with self._log.open() as log:
            log.seek(0, 2)
            began, cpu = time.monotonic(), _cpu()
            command()
            cost = Cost(time.monotonic() - began, _cpu() - cpu, _calls(log.read().splitlines()))
        each = ", ".join(f"{calls / count:.2f}" for calls in astuple(cost.calls))
        print(f"{name} {count}: {cost.seconds:.1f} s, {cost.cpu / count:.2f} CPU s an app; calls an app {each}")
        return cost


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _calls(lines: list[str]) -> Calls:
    """Of lines like `2026-11-24 20:32:06,166 GET /api/v3/repos/overskill-apps/one 200 4.7 ms`."""
    return counted((method, path) for _, _, method, path, *_ in map(str.split, lines))


def _most(each: Calls, count: int) -> Calls:
    return Calls(**{kind: getattr(PLAN, kind) + count * calls for kind, calls in vars(each).items()})


@pytest.mark.slow
@pytest.mark.parametrize(("count", "changed", "fewer"), [(100, 100, 5), (1_000, 100, 20)])
def test_made_left_alone_checked_changed_and_taken_away(
    checkout: Checkout, count: int, changed: int, fewer: int
) -> None:
    """`changed` of them; a sweep takes `fewer` times the calls of a refresh of each stack."""
    checkout.environment["OVERSKILL_USAGE_MINUTES"] = "0"  # the control plane shall make no calls of its own
    checkout.run("up", "--detach")
    meter = Meter(checkout)
    names = tuple(f"app-{number:04}" for number in range(count))
    apps = [app(name) for name in names]
    write(checkout, apps)
    made = meter.fleet("create", count)
    assert made.calls == _most(PLAIN.create, count)
    assert_exact(checkout, apps)
    unchanged = meter.fleet("unchanged", count)
    assert unchanged.calls == PLAN
    assert unchanged.seconds < MOST_UNCHANGED
    checkout.run("drift")  # which looks closely at all that it has not seen before
    sweep = meter.drift(count).calls
    assert fewer * (sweep.cloudflare + sweep.github) < count * (PLAIN.refresh.cloudflare + PLAIN.refresh.github)
    apps = [*({**one, "displayName": f"Another {one['id']}"} for one in apps[:changed]), *apps[changed:]]
    write(checkout, apps)
    calls = meter.fleet("update", changed).calls
    assert all(made <= most for made, most in zip(astuple(calls), astuple(_most(PLAIN.create, changed)), strict=True))
    assert_exact(checkout, apps)
    write(checkout, [], names)
    meter.fleet("destroy", count, "--now", "--delete-repository")
    assert_exact(checkout, [])
    print(f"the largest process: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MiB")
