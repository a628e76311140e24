"""The platforms of pull requests: what is copied for them, which there are, and what is told of them."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from infra.config import parse
from infra.names import PullRequestPlatform, app_store, outbound_worker
from overskill.engine import Outcome
from overskill.errors import CommandError
from overskill.preview_env import command, environments, report, stack_file
from overskill.preview_env.environments import PreviewEnvironments
from overskill.project import Project
from overskill.smoke import Probe

SEVEN = PullRequestPlatform(7)
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def names(config):
    """What a platform has in an account, a zone and an organisation."""
    platform = config.overskill
    return {
        *platform.namespaces.values(),
        platform.origins.worker,
        platform.usage_dataset,
        outbound_worker(platform.prefix, platform.platform_environment),
        app_store(platform.prefix, platform.platform_environment),
        f"*.{platform.domain}",
        config.template_repository,
    }


@pytest.mark.parametrize("base", ["local", "dev", "prod"])
def test_a_copy_has_nothing_that_the_stack_itself_has(base):
    project = Project()
    values = stack_file.values(project.stack_values(base), project.stack_config(base), SEVEN)
    copy, original = parse(values), project.stack_config(base)
    assert names(copy) & names(original) == set()
    assert copy.overskill.account_id == original.overskill.account_id
    assert copy.overskill.plans == original.overskill.plans
    assert copy.overskill.zone_name == original.overskill.zone_name
    assert not copy.overskill.protected
    assert copy.overskill.urls == ("subdomain" if base == "local" else "path")
    assert copy.overskill.template == "own"


def test_two_copies_have_nothing_in_common():
    project = Project()
    seven, eight = (
        parse(stack_file.values(project.stack_values("dev"), project.stack_config("dev"), PullRequestPlatform(number)))
        for number in (7, 8)
    )
    assert names(seven) & names(eight) == set()


class World(PreviewEnvironments):
    """Those that the engine lists; what is taken away is noted, or refused."""

    def __init__(self, *listed: dict, most: int = 5, refusing: tuple[int, ...] = ()) -> None:
        limits = SimpleNamespace(ttl_hours=72, most=most)
        engine = SimpleNamespace(capture=lambda *words: json.dumps(listed))
        config = SimpleNamespace(overskill=SimpleNamespace(preview_stacks=limits))
        super().__init__(SimpleNamespace(engine=engine, config=config, project=None, stack="dev"))
        self.gone: list[int] = []
        self.refusing = refusing

    def down(self, pull_request: PullRequestPlatform) -> bool:
        if pull_request.number in self.refusing:
            raise CommandError("locked")
        self.gone.append(pull_request.number)
        return True


def listed(number: int, hours: float) -> dict:
    return {
        "name": f"organization/overskill/pr-{number}",
        "lastUpdate": (NOW - timedelta(hours=hours)).isoformat().replace("+00:00", "Z"),
        "resourceCount": 22,
    }


def test_which_there_are_is_the_engines_list():
    made_only = {"name": "pr-3", "current": False, "resourceCount": 0}
    world = World({"name": "dev"}, listed(12, 1), made_only, {"name": "pr-x"})
    three, twelve = world.all()
    assert (three.pull_request.number, three.updated, three.resources) == (3, None, 0)
    assert (twelve.pull_request.number, twelve.updated) == (12, NOW - timedelta(hours=1))


def test_a_sweep_takes_what_is_over_its_time_or_closed():
    world = World(listed(1, 71), listed(2, 72), listed(3, 1), {"name": "pr-4"})
    swept = [(preview.pull_request.number, why) for preview, why in world.sweep(lambda number: number != 3, NOW)]
    assert swept == [
        (2, "not brought up for 72 hours"),
        (3, "pull request 3 is closed"),
        (4, "not brought up for 72 hours"),
    ]
    assert world.gone == [2, 3, 4]


def test_a_sweep_goes_on_after_one_that_cannot_be_taken_away():
    world = World(listed(1, 100), listed(2, 100), refusing=(1,))
    with pytest.raises(CommandError, match=r"pr-1 .*locked"):
        list(world.sweep(lambda number: True, NOW))
    assert world.gone == [2]


def test_no_more_than_the_stack_allows():
    world = World(listed(1, 5), listed(2, 50), most=2)
    with pytest.raises(CommandError, match=r"allows 2.*down 2 --from dev"):
        world.up(SEVEN)


def test_one_that_is_there_already_needs_no_room(monkeypatch):
    monkeypatch.setattr(environments.stack_file, "write", lambda *_: (_ for _ in ()).throw(InterruptedError))
    with pytest.raises(InterruptedError):
        World(listed(7, 5), listed(2, 50), most=2).up(SEVEN)


OUTCOME = Outcome(
    0,
    None,
    changes={"create": 1, "update": 1},
    steps=["create Worker dispatcher", "create-replacement X y", "replace X y"],
)


def test_what_is_told_of_one_that_is_up():
    probes = [Probe("production", "http://shop.example/"), Probe("nobody", "http://none.example/", 404)]
    told = report.up(SEVEN, "dev", OUTCOME, probes, ttl_hours=72)
    assert "Platform `pr-7` is up" in told
    assert "| production | 200 | http://shop.example/ |\n| nobody | 404 | http://none.example/ |" in told
    assert "```diff\n+ Worker dispatcher\n! X y (replace)\n```" in told
    assert "./dev stack preview-env up 7 --from dev" in told


def test_what_is_told_of_one_that_did_not_come_up_has_no_secret():
    told = report.failed(SEVEN, "dev", "token abc refused ``` by ```", {"CLOUDFLARE_API_TOKEN": "abc"})
    assert "abc" not in told
    assert told.count("```") == 2


@pytest.mark.parametrize("words", [["up", "7"], ["down", "7"], ["sweep", "--by-age"]])
def test_whatever_changes_platforms_starts_the_local_cloud(words, monkeypatch, tmp_path):
    """On a runner of one's own, which has been started anew since."""

    class Done(Exception):
        pass

    def started(cloud, *_):
        raise Done(cloud.state)

    monkeypatch.setenv("OVERSKILL_HOME", str(tmp_path))
    monkeypatch.setattr(command.Programs, "of", lambda toolchain: None)
    monkeypatch.setattr(command, "start", started)
    with pytest.raises(Done, match=str(tmp_path)):
        CliRunner().invoke(command.preview_env, words, catch_exceptions=False)
