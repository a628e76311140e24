"""A new version of the pipeline, offered to apps by pull requests, so many at a time.

An app whose pipeline is one that the template has had gets the newest; one that is its own is left alone and told. A
pull request's own run is the new pipeline's: while one of them fails, no further ones are opened.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from overskill.github_api import GitHubApi
from overskill.template.versions import Blobs, Versions, blobs

BRANCH, MODE = "main", "100644"
State = Literal["current", "opened", "would open", "waiting", "failing", "declined", "changed", "missing", "later"]
TITLE = "Update the deploy pipeline"


@dataclass(frozen=True)
class Outcome:
    """What has become of one app; `told` is the address of its pull request, or what is the matter."""

    app_id: str
    state: State
    told: str = ""


@dataclass(frozen=True, kw_only=True)
class Upgrade:
    """One wave, of `wave` pull requests at most. `dry_run`: none is opened."""

    github: GitHubApi
    organization: str
    versions: Versions
    wave: int
    dry_run: bool

    def run(self, app_ids: Sequence[str]) -> Iterator[Outcome]:
        """What is open already comes first: a wave waits for what the one before has shown."""
        looked = {app_id: self._look(app_id) for app_id in app_ids}
        yield from (outcome for outcome in looked.values() if outcome.state != "later")
        due = [app_id for app_id, outcome in looked.items() if outcome.state == "later"]
        opened = 0 if any(outcome.state == "failing" for outcome in looked.values()) else self.wave
        for app_id in due[:opened]:
            yield Outcome(app_id, "would open") if self.dry_run else Outcome(app_id, "opened", self._open(app_id))
        yield from (looked[app_id] for app_id in due[opened:])

    @property
    def _branch(self) -> str:
        return f"overskill/pipeline-{self.versions.commit[:12]}"

    def _repository(self, app_id: str) -> str:
        return f"/repos/{self.organization}/{app_id}"

    def _look(self, app_id: str) -> Outcome:
        """`later` for an app that is due."""
        found = self._pipeline(app_id)
        if found is None:
            return Outcome(app_id, "missing", f"{self.organization}/{app_id} has no branch {BRANCH}")
        if found == self.versions.newest:
            return Outcome(app_id, "current")
        if found not in self.versions.older:
            told = ", ".join(self._own(found)) or "not all of it is there"
            return Outcome(app_id, "changed", told)
        query = {"head": f"{self.organization}:{self._branch}", "state": "all"}
        pulls = self.github.get(f"{self._repository(app_id)}/pulls", **query)
        return self._state_of(app_id, pulls[0]) if pulls else Outcome(app_id, "later")

    def _pipeline(self, app_id: str) -> Blobs | None:
        tree = self.github.get(f"{self._repository(app_id)}/git/trees/{BRANCH}", recursive="1")
        return tree and blobs(tree["tree"])

    def _own(self, found: Blobs) -> list[str]:
        """The files that no version of the pipeline has had so."""
        known = {
            (path, sha) for version in (self.versions.newest, *self.versions.older) for path, sha in version.items()
        }
        return sorted(path for path, sha in found.items() if (path, sha) not in known)

    def _state_of(self, app_id: str, pull: Any) -> Outcome:
        if pull["state"] == "closed":
            return Outcome(app_id, "declined", pull["html_url"])
        runs = self.github.get(f"{self._repository(app_id)}/commits/{pull['head']['sha']}/check-runs")["check_runs"]
        failing = any(run["conclusion"] in {"failure", "timed_out", "startup_failure"} for run in runs)
        return Outcome(app_id, "failing" if failing else "waiting", pull["html_url"])

    def _open(self, app_id: str) -> str:
        """The address of the new pull request."""
        repository = self._repository(app_id)
        head = self.github.get(f"{repository}/git/ref/heads/{BRANCH}")["object"]["sha"]
        gone = (self._pipeline(app_id) or {}).keys() - self.versions.newest.keys()
        entries = [
            *(
                {"path": path, "mode": MODE, "type": "blob", "content": text}
                for path, text in self.versions.texts.items()
            ),
            *({"path": path, "mode": MODE, "type": "blob", "sha": None} for path in sorted(gone)),
        ]
        tree = self.github.post(f"{repository}/git/trees", {"base_tree": head, "tree": entries})["sha"]
        commit = {"message": TITLE, "tree": tree, "parents": [head]}
        sha = self.github.post(f"{repository}/git/commits", commit)["sha"]
        self.github.post(f"{repository}/git/refs", {"ref": f"refs/heads/{self._branch}", "sha": sha})
        body = "The platform has a new version of these files. This pull request's own run has used it."
        pull = {"title": TITLE, "head": self._branch, "base": BRANCH, "body": body}
        return self.github.post(f"{repository}/pulls", pull)["html_url"]
