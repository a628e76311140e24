"""Which versions a rollout and a rollback choose, by Cloudflare's list of deployments."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

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
    """A stack whose engine only notes what it is asked to run."""

    def __init__(self, current: object) -> None:
        self.calls: list[tuple[str, ...]] = []
        engine = SimpleNamespace(capture=lambda *words: self.calls.append(words), up=lambda stack: OUTCOME)
        config = SimpleNamespace(overskill=SimpleNamespace(rollout=current))
        super().__init__(engine=engine, config=config, stack="prod", calls=self.calls)


OUTCOME = SimpleNamespace(ok=True, summary=lambda: "")
HALF_WAY = SimpleNamespace(stable="stable", percentage=50)


@pytest.fixture(autouse=True)
def deployments(monkeypatch):
    monkeypatch.setattr(rollout, "_deployments", lambda context: [deployment(now=100), deployment(before=100)])
    monkeypatch.setattr(rollout, "step", lambda title: nullcontext(SimpleNamespace(detail="")))


def written(percentage: int, stable: str) -> list[tuple[str, ...]]:
    keys = (f"overskill:rollout.stable={stable}", f"overskill:rollout.percentage={percentage}")
    return [("config", "set-all", "--path", "--plaintext", keys[0], "--plaintext", keys[1], "--stack", "prod")]


REMOVED = [("config", "rm", "overskill:rollout", "--stack", "prod")]


@pytest.mark.parametrize(
    ("current", "change", "calls"),
    [
        (None, lambda context: rollout.roll_out(context, 10), written(10, "now")),
        (HALF_WAY, lambda context: rollout.roll_out(context, 75), written(75, "stable")),
        (HALF_WAY, lambda context: rollout.roll_out(context, 100), REMOVED),
        (None, rollout.roll_back, written(0, "before")),
        (HALF_WAY, rollout.roll_back, written(0, "stable")),
    ],
)
def test_what_is_written_into_the_stack_file(current, change, calls):
    context = Context(current)
    assert change(context) == "version now 100%"
    assert context.calls == calls
