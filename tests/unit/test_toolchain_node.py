import json
from pathlib import Path

import pytest
from toolchain_fakes import program

from overskill.project import Project
from overskill.toolchain import Toolchain, command
from overskill.toolchain.cache import Cache, Workspace
from overskill.toolchain.errors import ToolchainError
from overskill.toolchain.versions import ACT, NODE, PULUMI

NPM_CI = """
[ "$1" = ci ]
cmp -s package-lock.json "%(project)s/package-lock.json"
mkdir -p node_modules/@cloudflare/workerd-here/bin
echo workerd >node_modules/@cloudflare/workerd-here/bin/workerd
mkdir node_modules/.bin
echo wrangler >node_modules/.bin/wrangler
"""


@pytest.fixture
def project(tmp_path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "tests" / "clients").mkdir(parents=True)
    for part in (folder, folder / "tests" / "clients"):
        (part / "package.json").write_text("{}")
        (part / "package-lock.json").write_text(f'{{"of": "{part.name}"}}')
    return folder


def toolchain(project: Path, npm: str) -> Toolchain:
    """A toolchain that has an engine, act, and a Node whose npm is the script `npm`."""

    def engine(workspace: Workspace) -> str:
        program(workspace.target / "pulumi", "echo")
        return "built"

    def node(workspace: Workspace) -> str:
        program(workspace.target / "bin" / "npm", npm)
        return "wheel"

    def act(workspace: Workspace) -> str:
        program(workspace.target / "act", "echo")
        return "built"

    cache = Cache(project.parent / "cache")
    cache.install("act", ACT, act)
    cache.install("pulumi", PULUMI, engine)
    cache.install("node", NODE, node)
    return Toolchain(project, cache)


def test_the_npm_packages_follow_the_lock_file(project):
    npm = NPM_CI % {"project": project}
    first = toolchain(project, npm)
    assert first.workerd.read_text() == "workerd\n"
    assert first.wrangler.read_text() == "wrangler\n"
    assert toolchain(project, npm).packages == first.packages
    (project / "package-lock.json").write_text('{"changed": true}')
    assert toolchain(project, npm).packages.path != first.packages.path


def test_the_packages_of_the_tests_are_a_part_of_their_own(project):
    tools = toolchain(project, "mkdir node_modules && cp package-lock.json node_modules/")
    assert (tools.test_packages.path / "node_modules" / "package-lock.json").read_text() == '{"of": "clients"}'
    assert tools.test_packages not in tools.parts


def test_npms_own_words_are_in_the_error(project):
    with pytest.raises(ToolchainError, match=r"npm ci .*status 1[\s\S]*    not in sync"):
        _ = toolchain(project, "echo not in sync; exit 1").packages


def test_a_platform_that_the_lock_file_does_not_know_is_named(project):
    with pytest.raises(ToolchainError, match="names no workerd for"):
        _ = toolchain(project, "mkdir node_modules").workerd


def test_the_environment_puts_the_pinned_programs_first(project, monkeypatch):
    monkeypatch.setenv("PATH", "/users/bin")
    tools = toolchain(project, "")
    path = tools.environment()["PATH"].split(":")
    assert path[1:] == [str(tools.node.path / "bin"), str(tools.engine.path), "/users/bin"]
    assert (Path(path[0]) / "python").exists()
    assert tools.environment(engine=False)["PATH"].split(":")[1:] == [path[1], "/users/bin"]
    assert [part.name for part in (tools.engine, tools.node)] == ["pulumi", "node"]


def test_the_command_shows_every_part_whole(project, monkeypatch, capsys):
    monkeypatch.setenv("OVERSKILL_CACHE", str(project.parent / "cache"))
    monkeypatch.setattr(command, "Project", lambda: Project(project))
    monkeypatch.setenv("COLUMNS", "20")
    parts = toolchain(project, NPM_CI % {"project": project}).parts
    command.toolchain(as_json=True)
    assert json.loads(capsys.readouterr().out) == [
        {"part": part.name, "version": part.version, "how": part.how, "path": str(part.path)} for part in parts
    ]
    command.toolchain()
    table = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in table] == ["part", "pulumi", "node", "npm-packages", "act"]
    assert all(line.endswith(str(part.path)) for line, part in zip(table[1:], parts, strict=True))
