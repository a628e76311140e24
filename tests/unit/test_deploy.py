"""A deploy whose smoke test fails gives the requests back to the version that served before, and only then."""

from types import SimpleNamespace

import pytest

from overskill import deploy, smoke
from overskill.errors import CommandError


class World:
    """A platform whose dispatch Worker serves `versions`, one after each `up`."""

    def __init__(self, monkeypatch, *versions: str | None, works: bool) -> None:
        self.versions = list(versions)
        self.given_back: list[str] = []
        config = SimpleNamespace(overskill=SimpleNamespace(template="use"))
        self.context = SimpleNamespace(stack="dev", config=config, up=lambda plan: self.versions.pop(0))
        monkeypatch.setattr(deploy, "serving_now", lambda context: self.versions[0])
        monkeypatch.setattr(deploy, "give_back", self.give_back)
        monkeypatch.setattr(smoke, "test", lambda context, seconds: ["answered"] if works else self.fail())

    def give_back(self, context, version: str) -> str:
        self.given_back.append(version)
        return f"version {version} 100%"

    def fail(self) -> None:
        raise CommandError("the app does not answer")


def test_what_works_stays(monkeypatch):
    world = World(monkeypatch, "a", "b", works=True)
    assert deploy.deploy(world.context) == ["answered"]
    assert world.given_back == []


def test_a_new_version_that_does_not_serve_is_taken_back(monkeypatch):
    world = World(monkeypatch, "a", "b", works=False)
    with pytest.raises(CommandError, match=r"does not answer\n.*version a 100%"):
        deploy.deploy(world.context)
    assert world.given_back == ["a"]


@pytest.mark.parametrize(
    ("versions", "told"), [(("a", "a"), "is the version that it was"), ((None, "a"), "no version")]
)
def test_nothing_is_taken_back_that_the_deploy_did_not_bring(monkeypatch, versions, told):
    world = World(monkeypatch, *versions, works=False)
    with pytest.raises(CommandError, match=told):
        deploy.deploy(world.context)
    assert world.given_back == []
