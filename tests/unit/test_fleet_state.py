"""What the fleet keeps of an app: its digest, its project, its row in the index."""

import shutil
from pathlib import Path
from unittest.mock import MagicMock

import pytest
import yaml

from overskill import apps
from overskill.errors import CommandError
from overskill.fleet import desired_state
from overskill.fleet.index import Index
from overskill.fleet.limits import Calls
from overskill.fleet.projects import app_ids_in_fleet, home, note_apps_file, project_name
from overskill.project import Project
from overskill.removal import Removal

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    root = tmp_path_factory.mktemp("checkout")
    for folder in ("app_stacks", "infra", "contract"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return root


def test_the_program_is_all_that_it_imports_and_reads_and_nothing_else():
    files = {str(file.relative_to(ROOT)) for file in desired_state.program_files(ROOT)}
    assert {"app_stacks/__main__.py", "app_stacks/app.py", "app_stacks/bootstrap/index.js"} <= files
    assert {"infra/names.py", "infra/outputs.py", "contract/names.json"} <= files
    assert not {file for file in files if "stacks/" in file.removeprefix("app_stacks/") or file.endswith(".pyc")}
    assert "infra/dispatcher.py" not in files


@pytest.mark.parametrize("file", ["app_stacks/repository.py", "app_stacks/bootstrap/index.js", "infra/names.py"])
def test_a_changed_program_is_another_state(program, file):
    before = desired_state.common(program, {}, "secret")
    (program / file).write_text((program / file).read_text() + "\n")
    assert desired_state.common(program, {}, "secret") != before


def test_each_part_of_what_is_desired_counts(program, monkeypatch):
    common = desired_state.common(program, {"accountId": "1"}, "secret")
    assert desired_state.common(program, {"accountId": "1", "dispatcherVersion": "v2"}, "secret") == common
    others = [
        desired_state.common(program, {"accountId": "2"}, "secret"),
        desired_state.common(program, {"accountId": "1"}, "other"),
    ]
    monkeypatch.setattr("importlib.metadata.version", lambda name: "9.9.9")
    others.append(desired_state.common(program, {"accountId": "1"}, "secret"))
    assert len({common, *others}) == 4
    a, b = {"x": "1", "y": "2"}, {"y": "2", "x": "1"}
    assert desired_state.digest(common, a) == desired_state.digest(common, b)
    assert desired_state.digest(common, a) != desired_state.digest(common, {"x": "1"})


def test_an_apps_project_follows_from_its_id_and_none_gets_too_many():
    names = [project_name(f"app-{number}") for number in range(50_000)]
    assert project_name("abc123") == project_name("abc123")
    assert {names.count(name) > 600 for name in set(names)} == {False}
    assert len(set(names)) == 100


def test_the_stack_of_an_app_that_was_made_by_hand_stays_where_it_is(tmp_path):
    project = Project(tmp_path)
    hashed = home(project, "abc123", "local.abc123")
    assert hashed.project == project_name("abc123")
    assert yaml.safe_load((hashed.folder / "Pulumi.yaml").read_text()) == {
        "name": hashed.project,
        "runtime": "python",
        "main": str(tmp_path / "app_stacks"),
        "stackConfigDir": "stacks",
    }
    assert hashed.file.parent.is_dir()
    own = project.app_stack_file("local.abc123")
    own.parent.mkdir(parents=True)
    own.touch()
    made = home(project, "abc123", "local.abc123")
    assert (made.project, made.folder, made.file) == ("overskill-apps", project.apps, own)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def reopened(tmp_path, clock):
    """Opens the index anew, as the process after the one that was killed does."""
    opened = []

    def reopen() -> Index:
        opened.append(Index(tmp_path / "index.sqlite", clock))
        return opened[-1]

    yield reopen
    for index in opened:
        index.close()


def test_the_index_knows_after_a_kill_what_was_under_way(reopened, clock):
    index = reopened()
    calls = Calls(cloudflare=1, github=2, content=3)
    first = index.begin("local", "a", "overskill-apps-07/local.a", "digest", calls)
    index.begin("local", "b", "overskill-apps-08/local.b", "digest", calls)
    clock.now += 5
    index.end("local", "a", first, Calls(github=1))
    found = reopened().entries("local")
    assert list(found) == ["a", "b"]
    assert (found["a"].state, found["a"].stack, found["a"].began, found["a"].ended) == (
        "done",
        "overskill-apps-07/local.a",
        1000,
        1005,
    )
    assert (found["b"].state, found["b"].ended) == ("running", None)
    assert reopened().entries("prod") == {}


def test_calls_count_for_an_hour_and_those_of_a_killed_run_from_now(reopened, clock):
    index = reopened()
    first = index.begin("local", "a", "s", "d", Calls(github=9))
    index.begin("local", "b", "s", "d", Calls(github=3))
    index.end("local", "a", first, Calls(github=2))
    clock.now += 60
    assert reopened().recent_calls() == [(60, Calls(github=2)), (0, Calls(github=3))]
    clock.now += 3540
    assert reopened().recent_calls() == [(3540, Calls(github=3))]


def test_an_app_fails_with_its_cause_and_is_forgotten(reopened):
    index = reopened()
    index.end("local", "a", index.begin("local", "a", "s", "d", Calls()), Calls(), "HTTP 422: taken")
    assert (index.entries("local")["a"].state, index.entries("local")["a"].error) == ("failed", "HTTP 422: taken")
    index.forget("local", "a")
    assert index.entries("local") == {}


def test_an_app_of_the_fleet_is_known_and_left_to_it(tmp_path):
    session = MagicMock(project=Project(tmp_path), stack="local", app_stack=lambda app_id: f"local.{app_id}")
    home(session.project, "abc123", "local.abc123").file.write_text("config: {}\n")
    assert (app_ids_in_fleet(session.project, "local"), app_ids_in_fleet(session.project, "acme")) == (["abc123"], [])
    note_apps_file(session.project, "local", tmp_path / "apps.yaml")
    with pytest.raises(CommandError, match=f"{tmp_path}/apps.yaml or one before: change it there"):
        apps.create(session, "abc123")
    with pytest.raises(CommandError, match="list it there below `absent`"):
        apps.destroy(session, "abc123", Removal())
    session.up_app.assert_not_called()
