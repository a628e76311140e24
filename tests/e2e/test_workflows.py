"""This very repository in the local cloud's GitHub: its own workflows run there, on the cloud that they use."""

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Checkout

from overskill.toolchain.cache import Cache

NAME = "overskill/platform"
REPOSITORY = f"/api/v3/repos/{NAME}"
PERMISSIONS = "/api/v3/orgs/overskill/actions/permissions"
DISPATCHER = "overskill-pr1-development-dispatch.overskill.workers.localhost"
SECONDS = 900
"""For a run, which makes a Python environment of its own first."""


class Repository:
    """The repository's clone, and what GitHub says of it."""

    def __init__(self, up: Checkout, clone: Path) -> None:
        self.up, self.clone = up, clone

    def git(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.clone, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def call(self, method: str, path: str, **content: Any) -> Any:
        answer = self.up.api(method, f"{REPOSITORY}{path}", **({"json": content} if content else {}))
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def push(self, branch: str, header: str) -> str:
        """A commit in which the dispatch Worker's own pages have another header; its hash."""
        pages = self.clone / "dispatch_worker" / "src" / "pages.js"
        text = re.sub(
            r'"Cache-Control": "no-store"(, "X-Push": "\w+")?',
            f'"Cache-Control": "no-store", "X-Push": "{header}"',
            pages.read_text(),
        )
        pages.write_text(text)
        self.git("commit", "--quiet", "--all", "-m", f"Pages: {header}")
        self.git("push", "--quiet", "origin", f"HEAD:{branch}")
        return self.git("rev-parse", "HEAD")

    def ended(self, workflow: str, count: int) -> dict[str, Any]:
        """The newest run of a workflow, once there are `count` of them and it has ended; it must have gone well."""
        deadline, path = time.monotonic() + SECONDS, f"/actions/workflows/{workflow}.yml/runs"
        while time.monotonic() < deadline:
            runs = self.call("GET", path)["workflow_runs"]
            if len(runs) == count and runs[0]["status"] == "completed":
                assert runs[0]["conclusion"] == "success", self.logs(runs[0])
                return runs[0]
            time.sleep(1)
        raise AssertionError(self.call("GET", path))

    def logs(self, run: dict[str, Any]) -> str:
        jobs = self.call("GET", f"/actions/runs/{run['id']}/jobs")["jobs"]
        return "\n".join(
            self.up.api("GET", f"{REPOSITORY}/actions/jobs/{job['id']}/logs", follow_redirects=True).text
            for job in jobs
            if job["conclusion"] != "skipped"
        )

    @property
    def comment(self) -> tuple[int, str]:
        (only,) = self.call("GET", "/issues/1/comments")
        return only["id"], only["body"]


@pytest.fixture(scope="module")
def repository(checkout: Checkout) -> Iterator[Repository]:
    """Pushed while no workflow runs; `ci` stays off, which would run this test in itself."""
    checkout.run("up", "--detach")
    settings = checkout.api("GET", PERMISSIONS).json()
    checkout.api("PUT", PERMISSIONS, json={"enabled_repositories": "none"})
    checkout.api("POST", "/api/v3/orgs/overskill/repos", json={"name": "platform"}).raise_for_status()
    made = Repository(checkout, checkout.root)
    made.git("init", "--quiet", "--initial-branch=main")
    for key, value in (("user.name", "Ada"), ("user.email", "ada@example.com")):
        made.git("config", key, value)
    made.git("add", "--all")
    made.git("commit", "--quiet", "-m", "Platform")
    token, port = checkout.cloud.credentials()["github_token"], checkout.cloud.api_port
    made.git("remote", "add", "origin", f"http://git:{token}@127.0.0.1:{port}/{NAME}.git")
    made.git("push", "--quiet", "origin", "main")
    home = str(checkout.root / ".overskill")
    for name, value in {
        "OVERSKILL_HOME": home,
        "OVERSKILL_PREVIEW_HOME": home,
        "OVERSKILL_PREVIEW_RUNNER": "self-hosted",
        "OVERSKILL_CACHE": str(Cache().root),
        "OVERSKILL_DRIFT_STACKS": '["local"]',
    }.items():
        made.call("POST", "/actions/variables", name=name, value=value)
    made.call("PUT", "/actions/workflows/ci.yml/disable")
    checkout.api(
        "PUT",
        PERMISSIONS,
        json={"enabled_repositories": settings["enabled_repositories"], "allowed_actions": settings["allowed_actions"]},
    ).raise_for_status()
    yield made


@pytest.mark.slow
def test_a_pull_request_has_a_platform_from_its_first_push_until_it_is_closed(repository):
    up = repository.up
    repository.git("switch", "--quiet", "--create", "feature")
    repository.push("feature", "first")
    repository.call("POST", "/pulls", title="Pages", head="feature", base="main")
    repository.ended("preview", 1)
    number, body = repository.comment
    assert "Platform `pr-1` is up" in body
    assert "+ Worker dispatcher" in body
    assert up.page(DISPATCHER).headers["X-Push"] == "first"
    assert up.page("overskill-pr1-development-smoke.pr-1.overskill.localhost").status_code == 200

    repository.push("feature", "second")
    repository.ended("preview", 2)
    assert repository.comment[0] == number
    assert re.search(r"^[+!] WorkerVersion ", repository.comment[1], re.M), repository.comment
    assert "+ Worker dispatcher" not in repository.comment[1]
    assert up.page(DISPATCHER).headers["X-Push"] == "second"
    assert "X-Push" not in up.page("overskill-development-dispatch.overskill.workers.localhost").headers

    repository.call("PATCH", "/pulls/1", state="closed")
    repository.ended("preview", 3)
    assert repository.comment[0] == number
    assert "Platform `pr-1` is gone" in repository.comment[1]
    assert up.page(DISPATCHER).status_code >= 400
    namespaces = up.api("GET", up.account("dispatch/namespaces")).json()["result"]
    assert {one["namespace_name"] for one in namespaces} == {
        f"overskill-development-{each}" for each in ("preview", "staging", "production")
    }


@pytest.mark.slow
def test_drift_opens_one_issue_and_closes_it(repository):
    """The app is the fleet's: what `app create` makes is known in one checkout alone, and this is another."""
    up = repository.up
    up.run("app", "destroy", "ultrathink", "--now")
    (up.root / "apps.yaml").write_text("apps: [{id: shop}]")
    up.run("fleet", "apply", "apps.yaml")

    def look(count: int) -> list[dict[str, Any]]:
        repository.call("POST", "/actions/workflows/drift.yml/dispatches", ref="main")
        repository.ended("drift", count)
        return list(repository.call("GET", "/issues?state=all&labels=drift-local"))

    assert look(1) == []
    (record,) = up.api("GET", up.zone("dns_records")).json()["result"]
    up.api("DELETE", up.zone(f"dns_records/{record['id']}")).raise_for_status()
    (opened,) = look(2)
    assert opened["state"] == "open"
    assert "*.overskill.localhost" in opened["body"] or "domain-wildcard" in opened["body"]
    up.pulumi("local", "up", "--refresh", "--yes", "--skip-preview")
    (closed,) = look(3)
    assert (closed["number"], closed["state"]) == (opened["number"], "closed")
