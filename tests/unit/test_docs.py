"""Pages that could go stale: every command, configuration key and decision is listed where it should be."""

import json
import re
import tomllib
from inspect import signature
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import emulated_calls
import reference
import typer
from pydantic import BaseModel

from app_stacks.config import CLOUDFLARE_TOKEN, PROJECT, AppConfig
from control_plane.settings import Settings
from infra.config import StackConfig
from local_cloud.control import control_routes
from local_cloud.profiles import PROFILES, Wanted
from overskill.cli import app
from overskill.doctor import cloudflare
from overskill.suspend_command import VISITORS_GET
from policies import POLICIES

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def commands(command: Any, name: str) -> list[str]:
    """Each by its words: `app create`."""
    subs = getattr(command, "commands", {})
    return [word for sub in subs for word in commands(subs[sub], f"{name} {sub}".strip())] or [name]


def keys(model: type[BaseModel]) -> list[str]:
    return [
        f"{section}:{field.alias}" for section, part in model.model_fields.items() for field in fields(part.annotation)
    ]


def fields(model: type[BaseModel]):
    return model.model_fields.values()


def test_every_command_is_in_the_readme():
    assert [name for name in commands(typer.main.get_command(app), "") if f"`./dev {name}" not in README] == []


def test_every_configuration_key_is_in_the_readme():
    assert [key for key in keys(StackConfig) if f"`{key}`" not in README] == []


def test_every_setting_of_the_control_plane_is_in_the_readme():
    assert [name for name in Settings.model_fields if f"`OVERSKILL_{name.upper()}`" not in README] == []


def test_every_key_of_an_apps_stack_is_in_the_readme():
    names = {field.alias for field in AppConfig.model_fields.values()} - {"platformStack", "appId"}
    assert [name for name in names | {CLOUDFLARE_TOKEN} if f"`{PROJECT}:{name}`" not in README] == []


def test_the_calls_in_the_local_clouds_page_are_those_that_it_has():
    page = emulated_calls.PAGE.read_text()
    assert page == emulated_calls.written(page), "python tests/unit/emulated_calls.py writes the tables"


def test_every_call_of_its_own_and_every_command_is_in_the_local_clouds_page():
    page = emulated_calls.PAGE.read_text()
    own = {
        f"{method} {route.path.replace('{name}', 'NAME')}"
        for route in control_routes(*(MagicMock() for _ in signature(control_routes).parameters))
        for method in route.methods - {"HEAD"}
    }
    assert [call for call in sorted(own) if f"`{call}" not in page] == []
    told = [f"overskill {name}" for name in commands(typer.main.get_command(app), "") if name.startswith("local ")]
    assert [command for command in told if command not in page] == []


def test_the_profiles_in_the_local_clouds_page_are_those_that_it_has():
    page = emulated_calls.PAGE.read_text()
    assert [name for name in PROFILES if f"| `{name}` |" not in page] == []
    (plan,) = re.findall(r"```json\n(.*?)```", page, re.S)
    assert len(Wanted.model_validate_json(plan).calls) == 1


def test_the_wrangler_of_the_readme_is_the_tested_one():
    package = json.loads((ROOT / "package.json").read_text())
    assert re.findall(r"wrangler@([0-9.]+)", README) == [package["dependencies"]["wrangler"]]


def test_pages_that_the_readme_and_each_other_lead_to_are_there():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    links = [(page, target) for page in pages for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text())]
    assert (ROOT / "README.md", "docs/operations.md") in links
    assert [f"{page.name}: {target}" for page, target in links if not (page.parent / target).exists()] == []


def test_every_permission_that_doctor_asks_for_is_in_the_operations_page():
    page = (ROOT / "docs" / "operations.md").read_text()
    needed = [*cloudflare.ACCOUNT_PERMISSIONS, *cloudflare.ZONE_PERMISSIONS, cloudflare.SSL]
    assert [permission.name for permission in needed if permission.name not in page] == []


def test_every_policy_is_in_its_decision():
    page = (ROOT / "docs" / "adr" / "0008-policies.md").read_text()
    assert [policy.name for policy in POLICIES if f"`{policy.name}`" not in page] == []


def test_what_suspend_tells_is_what_visitors_get():
    pages = (ROOT / "dispatch_worker" / "src" / "pages.js").read_text()
    for state, told in VISITORS_GET.items():
        status, title = told.split(", ", 1)
        assert re.search(rf'^  "?{state}"?: \[{status}, "{title}"', pages, re.M), state


def test_every_decision_is_in_the_readme():
    decisions = sorted(path.name for path in (ROOT / "docs" / "adr").glob("*.md"))
    assert decisions
    assert [name for name in decisions if f"docs/adr/{name}" not in README] == []


def test_decisions_are_numbered_without_gaps_and_fit_a_page():
    decisions = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert [int(path.name[:4]) for path in decisions] == list(range(1, len(decisions) + 1))
    assert {path.name: lines for path in decisions if (lines := len(path.read_text().splitlines())) > 70} == {}


def test_the_reference_is_made_of_the_code():
    assert reference.PAGE.read_text() == reference.page(), "python tests/unit/reference.py writes it"


def test_every_workflow_is_in_the_operations_page():
    page = (ROOT / "docs" / "operations.md").read_text()
    workflows = sorted(path.stem for path in (ROOT / ".github" / "workflows").glob("*.yml"))
    assert "preview" in workflows
    assert [name for name in workflows if f"\n| `{name}` |" not in page] == []


def test_the_newest_version_of_the_change_log_is_that_of_the_package():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.findall(r"^## ([0-9.]+)", (ROOT / "CHANGELOG.md").read_text(), re.M)[0] == version
