"""Which versions a rollout and a rollback choose, by Cloudflare's list of deployments."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from infra.platform_config import Rollout
from overskill import rollout
from overskill.errors import CommandError


def deployment(**shares: float) -> dict[str, object]:
    return {"versions": [{"version_id": version, "percentage": share} for version, share in shares.items()]}


def test_what_serves_is_what_has_the_largest_share():
    assert rollout.serving([deployment(a=90, b=10), deployment(c=100)]) == "a"


def test_the_version_before_is_the_newest_that_is_another():
    assert rollout.previous([deployment(b=100), deployment(b=60, a=40), deployment(a=100)]) == "a"


@pytest.mark.parametrize("find", [rollout.serving, rollout.previous])
def test_a_worker_that_was_never_deployed(find):
    with pytest.raises(CommandError, match="never been deployed"):
        find([])


def test_a_worker_that_was_deployed_once():
    with pytest.raises(CommandError, match="no version before a"):
        rollout.previous([deployment(a=100), deployment(a=100)])


class Context(SimpleNamespace):
    """A stack whose engine only notes what it is asked to run; `ok` is how its `up` ends."""

    def __init__(self, current: Rollout | None, *, ok: bool = True) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.ok = ok
        engine = SimpleNamespace(capture=lambda *words: self.calls.append(words), up=self.up)
        config = SimpleNamespace(overskill=SimpleNamespace(rollout=current))
        super().__init__(engine=engine, config=config, stack="prod", calls=self.calls, ok=ok)

    def up(self, stack: str, target: str) -> SimpleNamespace:
        self.calls.append(("up", stack, target))
        return SimpleNamespace(ok=self.ok, summary=lambda: "", failure=lambda: "no", log="log")


STABLE, NOW, BEFORE = (f"{digit}0000000-0000-4000-8000-000000000000" for digit in "123")
HALF_WAY = Rollout(stable=STABLE, percentage=50)


@pytest.fixture(autouse=True)
def deployments(monkeypatch):
    listed = [deployment(**{NOW: 100}), deployment(**{BEFORE: 100})]
    monkeypatch.setattr(rollout, "_deployments", lambda context: listed)
    monkeypatch.setattr(rollout, "step", lambda title: nullcontext(SimpleNamespace(detail="")))


def written(percentage: int, stable: str) -> tuple[str, ...]:
    keys = (f"overskill:rollout.stable={stable}", f"overskill:rollout.percentage={percentage}")
    return ("config", "set-all", "--path", "--plaintext", keys[0], "--plaintext", keys[1], "--stack", "prod")


REMOVED = ("config", "rm", "overskill:rollout", "--stack", "prod")
UP, UP_DEPLOYMENT = ("up", "prod", ""), ("up", "prod", "**::dispatcher-deployment")


@pytest.mark.parametrize(
    ("current", "change", "calls"),
    [
        (None, lambda context: rollout.roll_out(context, 10), [written(10, NOW), UP]),
        (HALF_WAY, lambda context: rollout.roll_out(context, 75), [written(75, STABLE), UP]),
        (HALF_WAY, lambda context: rollout.roll_out(context, 100), [REMOVED, UP]),
        (None, rollout.roll_back, [written(0, BEFORE), UP_DEPLOYMENT]),
        (HALF_WAY, rollout.roll_back, [written(0, STABLE), UP_DEPLOYMENT]),
    ],
)
def test_what_is_written_into_the_stack_file_and_brought_up(current, change, calls):
    context = Context(current)
    assert change(context) == f"version {NOW} 100%"
    assert context.calls == calls


@pytest.mark.parametrize(("current", "restored"), [(None, REMOVED), (HALF_WAY, written(50, STABLE))])
def test_a_rollout_that_fails_leaves_the_stack_file_as_it_was(current, restored):
    context = Context(current, ok=False)
    with pytest.raises(CommandError, match="pulumi up of stack prod failed"):
        rollout.roll_out(context, 75)
    assert context.calls[-1] == restored
