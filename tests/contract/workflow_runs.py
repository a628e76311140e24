"""Workflows that tests push, and what has become of their runs."""

import io
import time
from typing import Any
from urllib.parse import urlsplit
from zipfile import ZipFile

from contract_service import Service
from git_client import Clone

SECONDS = 180


class Actions:
    """The runs of one repository, whose clone has the workflow files."""

    def __init__(self, gh: Service, repository: str, clone: Clone) -> None:
        self.gh, self.repository, self.clone = gh, repository, clone

    def commit(self, **workflows: str) -> str:
        """A commit with workflow files, `ci="..."` as `ci.yml`; its hash."""
        folder = self.clone.path / ".github" / "workflows"
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in workflows.items():
            (folder / f"{name}.yml").write_text(text)
        return self.clone.commit("Workflows\n\nmore")

    def push(self, **workflows: str) -> str:
        sha = self.commit(**workflows)
        self.clone.git("push", "-q", "origin", "HEAD")
        return sha

    def runs(self, **query: str) -> list[dict[str, Any]]:
        """The oldest first."""
        return self.gh.get(f"{self.repository}/actions/runs", params=query)["workflow_runs"][::-1]

    def run(self, number: int) -> dict[str, Any]:
        return self.gh.get(f"{self.repository}/actions/runs/{number}")

    def until(self, number: int, *statuses: str) -> dict[str, Any]:
        """The run, once it has one of the statuses."""
        deadline = time.monotonic() + SECONDS
        while (run := self.run(number))["status"] not in statuses and time.monotonic() < deadline:
            time.sleep(0.03)
        assert run["status"] in statuses, run
        return run

    def ended(self, number: int | None = None) -> dict[str, Any]:
        """The run (the newest by default), once it has ended."""
        return self.until(number or self.runs()[-1]["id"], "completed")

    def jobs(self, run: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """By name."""
        return {job["name"]: job for job in self.gh.get(f"{self.repository}/actions/runs/{run['id']}/jobs")["jobs"]}

    def log(self, job: dict[str, Any]) -> str:
        """What a job has printed, without the times."""
        text = self._follow(f"{self.repository}/actions/jobs/{job['id']}/logs").decode()
        assert all(line[:2] == "20" and line[27:29] == "Z " for line in text.splitlines())
        return "\n".join(line[29:] for line in text.splitlines())

    def logs(self, run: dict[str, Any]) -> dict[str, str]:
        """By file name, those of the archive."""
        packed = self._follow(f"{self.repository}/actions/runs/{run['id']}/logs")
        with ZipFile(io.BytesIO(packed)) as archive:
            return {name: archive.read(name).decode() for name in archive.namelist()}

    def _follow(self, path: str) -> bytes:
        answer = self.gh.send("GET", path)
        assert answer.status_code == 302, answer.text
        found = self.gh.client.get(urlsplit(answer.headers["location"]).path)
        assert found.status_code == 200, found.text
        return found.content
