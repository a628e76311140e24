"""The pipeline of every app's repository: its scripts under Node's own test runner, its workflow under two linters."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "app_template" / ".github" / "workflows" / "deploy-to-wfp.yml"
WORKFLOWS = (WORKFLOW, *sorted((ROOT / ".github" / "workflows").glob("*.yml")))
"""The apps', and this repository's own."""
DEPENDABOT = ROOT / ".github" / "dependabot.yml"
OWNERS = ("actions", "aws-actions", "github")
"""Whose actions may be used."""


def passes(*command: str | Path) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def parsed() -> dict[str, Any]:
    return yaml.load(WORKFLOW.read_text(), yaml.BaseLoader)  # noqa: S506 - makes nothing but texts


def test_the_scripts():
    # In one process: what the scripts print would get into what the processes of several tell the runner.
    passes("node", "--test", "--test-isolation=none", *sorted((Path(__file__).parent / "pipeline").glob("*.test.mjs")))


def test_actionlint_finds_nothing():
    program = os.environ.get("OVERSKILL_ACTIONLINT")
    if not program:
        pytest.skip("OVERSKILL_ACTIONLINT names no actionlint binary")
    passes(program, *WORKFLOWS)


def test_zizmor_finds_nothing_even_as_a_pedant():
    passes(Path(sys.executable).parent / "zizmor", "--offline", "--pedantic", "--no-progress", *WORKFLOWS, DEPENDABOT)


def test_both_linters_would_find_something(tmp_path):
    """A token in a shell line, by an input of whoever opens a pull request."""
    bad = tmp_path / ".github" / "workflows" / "bad.yml"
    bad.parent.mkdir(parents=True)
    bad.write_text(WORKFLOW.read_text().replace("npm run build", "npm run ${{ github.event.pull_request.title }}"))
    for linter in (os.environ.get("OVERSKILL_ACTIONLINT"), shutil.which("zizmor", path=Path(sys.executable).parent)):
        if linter:
            assert subprocess.run([linter, bad], capture_output=True, check=False).returncode != 0


def test_every_action_is_pinned_by_its_commit():
    for workflow in WORKFLOWS:
        uses = re.findall(r"uses: (\S+)", workflow.read_text())
        assert uses
        assert [one for one in uses if not re.fullmatch(rf"(?:{'|'.join(OWNERS)})/[\w/-]+@[0-9a-f]{{40}}", one)] == []


def test_one_commit_is_one_version_everywhere():
    lines = [line for workflow in WORKFLOWS for line in re.findall(r"uses: (\S+ # v\S+)", workflow.read_text())]
    names = {line.partition("@")[0] for line in lines}
    assert len({*lines}) == len(names)
    assert len(lines) == sum(workflow.read_text().count("uses: ") for workflow in WORKFLOWS)


def test_an_up_is_never_cancelled():
    """A deploy or a platform that is being brought up ends as it would: half of one is worse than a late one."""
    for name in ("deploy", "drift", "preview", "template"):
        workflow = yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text())
        assert workflow["concurrency"]["cancel-in-progress"] is False, name


def test_nothing_is_permitted_that_a_job_does_not_ask_for():
    for path in WORKFLOWS:
        workflow = yaml.safe_load(path.read_text())
        assert workflow["permissions"] == {}, path.name
        assert all("permissions" in job for job in workflow["jobs"].values()), path.name


def test_the_runner_that_keeps_what_pull_requests_run_is_given_no_secret():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "preview.yml").read_text())["jobs"]
    kept = {name: job for name, job in jobs.items() if "vars.OVERSKILL_PREVIEW_RUNNER" in job["runs-on"]}
    assert kept.keys() == {"local", "local-gone", "local-sweep"}
    assert "secrets." not in str(kept)
    assert not any("environment" in job for job in kept.values())


def test_a_pull_request_of_a_fork_runs_nothing():
    """GitHub gives such a run neither secrets nor identity tokens; here it does not even begin."""
    workflow = parsed()
    assert {*workflow["on"]} == {"push", "pull_request", "workflow_dispatch"}
    own = "github.event.pull_request.head.repo.full_name == github.repository"
    conditions = {name: " ".join(job["if"].split()) for name, job in workflow["jobs"].items()}
    assert conditions["deploy"].endswith(f"(github.event_name != 'pull_request' || {own})")
    assert conditions["remove"].endswith(f"github.event.action == 'closed' && {own}")
    assert conditions.keys() == {"deploy", "remove"}


def test_steps_that_run_the_apps_own_code_are_given_no_secret():
    steps = parsed()["jobs"]["deploy"]["steps"]
    own = [step for step in steps if step.get("run", "").startswith("npm")]
    assert len(own) == 4
    assert [step["name"] for step in own if "env" in step] == []
