"""The template on its way into repositories: published, generated from, and its pipeline offered to older ones."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml
from git_client import Clone

from infra.config import StackConfig, parse
from overskill.errors import CommandError
from overskill.git_repository import GitRepository
from overskill.github_api import GitHubApi
from overskill.project import Project
from overskill.template.first_commit import push_first
from overskill.template.publish import publish
from overskill.template.upgrade import Upgrade
from overskill.template.versions import Versions

ROOT = Path(__file__).parents[2]
SCRIPT = ".github/overskill/run.mjs"
OLD = ".github/overskill/old.mjs"
WORKFLOW = ".github/workflows/deploy-to-wfp.yml"
NOWHERE = "contract-nowhere"


@dataclass
class Platform:
    """A stack with a template repository of the test's own, and a checkout with a small `app_template/`."""

    config: StackConfig
    credentials: dict[str, str]
    project: Project

    def write(self, path: str, text: str) -> None:
        file = self.project.template / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def publish(self) -> str | None:
        return publish(self.project, self.config, self.credentials)

    def push_first(self, app: str, files: Path) -> str | None:
        return push_first(self.project, self.config, self.credentials, app, files)

    def upgrade(self, *app_ids: str, wave: int = 10, dry_run: bool = False) -> dict[str, str]:
        """The next wave; what has become of each app."""
        config, credentials = self.config, self.credentials
        with GitRepository.cloned(config, credentials, config.template_repository) as repository:
            versions = Versions.of(repository)
        with GitHubApi.of(config, credentials) as github:
            organization = config.overskill.github_organization
            run = Upgrade(github=github, organization=organization, versions=versions, wave=wave, dry_run=dry_run)
            return {outcome.app_id: outcome.state for outcome in run.run(app_ids)}


@pytest.fixture
def platform(local, gh, template, tmp_path) -> Platform:
    values = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text())["config"]
    own = {
        "github:baseUrl": f"{str(local.client.base_url).rstrip('/')}/api/v3/",
        "overskill:githubOrganization": gh.names["org"],
        "overskill:templateRepository": template.removeprefix("/repos/").format(**gh.names),
    }
    made = Platform(parse(values | own), {"GITHUB_TOKEN": gh.token}, Project(tmp_path / "checkout"))
    made.write(".gitignore", "node_modules/\n.env\n")
    made.write(WORKFLOW, "on: workflow_dispatch\njobs: {one: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n")
    for path in (SCRIPT, OLD):
        made.write(path, f"{path}, first\n")
    made.write("package.json", "{}\n")
    made.write(".env", "KEY=planted\n")
    return made


@pytest.fixture
def apps(gh, template, name, cleanup):
    """Makes an app's repository of what the template is now; its name."""

    def made(suffix: str) -> str:
        app = f"{name}-{suffix}"
        body = {"owner": gh.names["org"], "name": app, "private": True}
        gh.post(f"{template}/generate", status=201, json=body)
        cleanup(lambda: gh.send("DELETE", f"/repos/{{org}}/{app}"))
        return app

    return made


@pytest.fixture
def clone(local, gh, tmp_path):
    def cloned(app: str) -> Clone:
        url = str(local.client.base_url.copy_with(username="x", password=gh.token)).rstrip("/")
        return Clone.of(f"{url}/{gh.names['org']}/{app}.git", tmp_path / app)

    return cloned


def paths(gh, app: str, ref: str = "main") -> dict[str, str]:
    tree = gh.get(f"/repos/{{org}}/{app}/git/trees/{ref}", params={"recursive": "1"})["tree"]
    return {entry["path"]: entry["sha"] for entry in tree if entry["type"] == "blob"}


def test_publishing_makes_the_repository_what_the_files_are(gh, platform, name):
    commit = platform.publish()
    assert gh.get(f"/repos/{{org}}/{name}-template/git/ref/heads/main")["object"]["sha"] == commit
    assert {*paths(gh, f"{name}-template")} == {
        ".gitignore",
        WORKFLOW,
        SCRIPT,
        OLD,
        "package.json",
    }
    assert platform.publish() is None
    (platform.project.template / "package.json").unlink()
    platform.publish()
    assert "package.json" not in paths(gh, f"{name}-template")


def test_what_is_anothers_is_not_published_over(platform):
    config = platform.config
    foreign = config.model_copy(update={"overskill": config.overskill.model_copy(update={"template": "use"})})
    with pytest.raises(CommandError, match="is not this stack's"):
        replace(platform, config=foreign).publish()
    with pytest.raises(CommandError, match="GITHUB_TOKEN is not set"):
        replace(platform, credentials={}).publish()


def test_a_refused_token_is_told_without_the_token(platform):
    with pytest.raises(CommandError, match=r"git clone of .* failed") as told:
        replace(platform, credentials={"GITHUB_TOKEN": "local-planted"}).publish()
    assert "planted" not in str(told.value)


def test_generated_code_keeps_the_platforms_pipeline(gh, platform, apps, tmp_path):
    platform.publish()
    app, code = apps("code"), tmp_path / "code"
    for path, text in ((SCRIPT, "theirs\n"), ("src/main.ts", "theirs\n"), (".env", "KEY=planted\n")):
        (code / path).parent.mkdir(parents=True, exist_ok=True)
        (code / path).write_text(text)
    before = paths(gh, app)
    assert platform.push_first(app, code)
    after = paths(gh, app)
    assert {*after} == {WORKFLOW, SCRIPT, OLD, "src/main.ts"}
    assert after[SCRIPT] == before[SCRIPT]
    assert platform.push_first(app, code) is None
    (code / "src" / "main.ts").write_text("newer\n")
    with pytest.raises(CommandError, match="has commits of its own"):
        platform.push_first(app, code)


def test_a_new_pipeline_is_offered_in_waves_to_those_that_have_not_changed_theirs(gh, platform, apps, clone):
    platform.publish()
    first, second, own = apps("first"), apps("second"), apps("own")
    clones = {app: clone(app) for app in (first, own)}
    # Other files are the app's, and another workflow is, too.
    (clones[first].path / ".github" / "workflows" / "mine.yml").write_text("on: workflow_dispatch\n")
    clones[first].commit("Mine")
    (clones[own].path / SCRIPT).write_text("mine\n")
    clones[own].commit("Mine")
    for made in clones.values():
        made.git("push", "-q", "origin", "HEAD")
    assert platform.upgrade(first) == {first: "current"}

    platform.write(SCRIPT, "newer\n")
    (platform.project.template / OLD).unlink()
    platform.publish()
    newest = apps("newest")
    everyone = (first, second, own, newest, NOWHERE)
    skipped = {own: "changed", newest: "current", NOWHERE: "missing"}
    assert platform.upgrade(*everyone, wave=1, dry_run=True) == {first: "would open", second: "later", **skipped}
    assert platform.upgrade(*everyone, wave=1) == {first: "opened", second: "later", **skipped}
    assert platform.upgrade(*everyone, wave=1) == {first: "waiting", second: "opened", **skipped}

    changed = {file["filename"]: file["status"] for file in gh.get(f"/repos/{{org}}/{first}/pulls/1/files")}
    assert changed == {SCRIPT: "modified", OLD: "removed"}
    gh.call("PUT", f"/repos/{{org}}/{first}/pulls/1/merge", json={})
    gh.call("PATCH", f"/repos/{{org}}/{second}/pulls/1", json={"state": "closed"})
    assert platform.upgrade(first, second) == {first: "current", second: "declined"}
    after = paths(gh, first)
    assert ".github/workflows/mine.yml" in after
    assert {path: sha for path, sha in after.items() if path in paths(gh, newest)} == paths(gh, newest)


def test_no_further_wave_while_a_pull_request_of_the_last_one_fails(gh, platform, apps, installed):
    platform.publish()
    first, second = apps("first"), apps("second")
    platform.write(SCRIPT, "broken\n")
    platform.publish()
    assert platform.upgrade(first, second, wave=1) == {first: "opened", second: "later"}
    (pull,) = gh.get(f"/repos/{{org}}/{first}/pulls")
    run = {"name": "Deploy", "head_sha": pull["head"]["sha"], "status": "completed", "conclusion": "failure"}
    installed().post(f"/repos/{{org}}/{first}/check-runs", status=201, json=run)
    assert platform.upgrade(first, second) == {first: "failing", second: "later"}
