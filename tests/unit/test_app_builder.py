"""`overskill/app_builder.py`, as far as it runs no engine."""

import pytest

from overskill.app_builder import EngineBuilder
from overskill.fleet.projects import file_in_fleet
from overskill.project import Project


@pytest.mark.parametrize("place", ["fleet", "own"])
def test_it_has_an_app_that_has_a_stack_file(tmp_path, place):
    project = Project(tmp_path)
    stack = "prod.shop"
    file = file_in_fleet(project, "shop", stack) if place == "fleet" else project.app_stack_file(stack)
    assert not EngineBuilder(project, "prod").has("shop")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    assert EngineBuilder(project, "prod").has("shop")
    assert not EngineBuilder(project, "local").has("shop")
    assert not EngineBuilder(project, "prod").has("store")
