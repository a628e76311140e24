"""An app that is pushed to: its clone, and what its repository and its addresses say."""

import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
from conftest import Checkout

DISPATCHER = "overskill-development-dispatch.overskill.workers.localhost"
SECONDS = 180
"""For a run, with an npm cache that is cold at first."""


class PushedApp:
    """App `name` of a checkout whose local cloud runs, cloned to `clone`."""

    def __init__(self, up: Checkout, name: str, clone: Path) -> None:
        self.up, self.name, self.clone = up, name, clone
        self.repository = f"/api/v3/repos/overskill-apps/{name}"
        host = f"git:{up.cloud.credentials()['github_token']}@127.0.0.1:{up.cloud.api_port}"
        url = f"http://{host}/overskill-apps/{name}.git"
        subprocess.run(["git", "clone", "--quiet", url, str(clone)], check=True)
        self.git("config", "user.name", "Ada")
        self.git("config", "user.email", "ada@example.com")

    def git(self, *words: str) -> str:
        run = subprocess.run(["git", *words], cwd=self.clone, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        return run.stdout.strip()

    def commit(self, files: dict[str, str]) -> str:
        """Commit files by their paths; the commit."""
        for path, text in files.items():
            (self.clone / path).write_text(text)
        self.git("commit", "--all", "--quiet", "-m", f"Change {', '.join(files)}")
        return self.git("rev-parse", "HEAD")

    def push(self, branch: str, commit: str = "HEAD") -> None:
        self.git("push", "--quiet", "origin", f"{commit}:refs/heads/{branch}")

    def headline(self, text: str) -> str:
        """Commit another headline; the commit."""
        source = (self.clone / "src" / "App.tsx").read_text()
        line = next(line for line in source.splitlines() if "HEADLINE =" in line)
        return self.commit({"src/App.tsx": source.replace(line, f'export const HEADLINE = "{text}";')})

    def github(self, path: str) -> Any:
        return self.up.api("GET", f"{self.repository}{path}").raise_for_status().json()

    def ended(self, commit: str, event: str = "push") -> dict[str, Any]:
        """The newest run of a commit, once it has ended."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            runs = self.github("/actions/runs")["workflow_runs"]
            found = [run for run in runs if (run["head_sha"], run["event"]) == (commit, event)]
            if found and found[0]["status"] == "completed":
                return found[0]
            time.sleep(0.2)
        raise AssertionError(f"no run of {commit} has ended: {self.github('/actions/runs')}")

    def deployed(self, commit: str, event: str = "push") -> dict[str, Any]:
        """The run of a commit, which has ended well."""
        run = self.ended(commit, event)
        assert run["conclusion"] == "success", self.log(run)
        return run

    def log(self, run: dict[str, Any]) -> str:
        """Of the jobs that have begun."""
        jobs = self.github(f"/actions/runs/{run['id']}/jobs")["jobs"]
        paths = [f"{self.repository}/actions/jobs/{job['id']}/logs" for job in jobs if job["steps"]]
        assert paths, jobs
        return "".join(self.up.api("GET", path, follow_redirects=True).raise_for_status().text for path in paths)

    def url(self, script: str) -> str:
        return f"http://{script}.overskill.localhost:{self.up.cloud.edge_port}/"

    @property
    def path_url(self) -> str:
        return f"http://{DISPATCHER}:{self.up.cloud.edge_port}/app/{self.name}/"

    def page(self, script: str, path: str = "/") -> httpx.Response:
        return self.up.page(f"{script}.overskill.localhost", path)

    def shown(self, script: str) -> str:
        """The code that the page at the subdomain loads, and the same below the path; both must be one."""
        found = []
        for host, prefix in ((f"{script}.overskill.localhost", "/"), (DISPATCHER, f"/app/{script}/")):
            page = self.up.page(host, prefix).text
            source = page.partition('src="./')[2].partition('"')[0]
            assert source.startswith("assets/"), page
            found.append(self.up.page(host, f"{prefix}{source}").text)
        assert found[0] == found[1]
        return found[0]
