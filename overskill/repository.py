"""The repository that this project is developed in, as a workflow of it, or a person, speaks to its GitHub.

It is not the apps' organisation, and has a token of its own: a workflow's own token is good for no other repository.
"""

import itertools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from overskill.errors import CommandError
from overskill.github_api import OFFICIAL_URL, GitHubApi

NAME, TOKEN, URL = "GITHUB_REPOSITORY", "OVERSKILL_REPOSITORY_TOKEN", "GITHUB_API_URL"
PAGE = 100
MAX_BODY = 65_000
"""Of an issue: GitHub takes 65,536 characters."""


@dataclass(frozen=True)
class Repository:
    """`name` is `owner/name`. Every method raises `CommandError` with GitHub's own words."""

    name: str
    github: GitHubApi

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> "Repository":
        """By the variables that Actions sets, and a token. Raises `CommandError` naming those that are not set."""
        if missing := [variable for variable in (NAME, TOKEN) if not environment.get(variable)]:
            raise CommandError(
                f"not set: {', '.join(missing)}; in a workflow, give the step {TOKEN}: ${{{{ github.token }}}}; by "
                f"hand, export {NAME}=owner/name and a token that may read its pull requests"
            )
        return cls(environment[NAME], GitHubApi(environment[TOKEN], environment.get(URL) or OFFICIAL_URL))

    def is_open(self, number: int) -> bool:
        """Whether there is an open pull request of this number."""
        found = self.github.get(f"{self._path}/pulls/{number}")
        return found is not None and found["state"] == "open"

    def comment(self, number: int, section: str, text: str) -> str:
        """Put `text` into a section of the one comment on a pull request that is ours; the comment's address."""
        ours = next((one for one in self._comments(number) if one["body"].startswith(MARK)), None)
        body = with_section(ours["body"] if ours else MARK, section, text)
        if ours:
            return self.github.patch(f"{self._path}/issues/comments/{ours['id']}", {"body": body})["html_url"]
        return self.github.post(f"{self._path}/issues/{number}/comments", {"body": body})["html_url"]

    def _comments(self, number: int) -> Iterator[Mapping[str, Any]]:
        for page in itertools.count(1):
            query = {"per_page": str(PAGE), "page": str(page)}
            several = self.github.get(f"{self._path}/issues/{number}/comments", **query) or []
            yield from several
            if len(several) < PAGE:
                return

    def issue(self, label: str, title: str, text: str) -> str:
        """Open an issue with a label, or put `title` and `text` into the one that is open; the issue's address."""
        body = {"title": title, "body": text[:MAX_BODY]}
        if ours := self._issue(label):
            return self.github.patch(f"{self._path}/issues/{ours['number']}", body)["html_url"]
        return self.github.post(f"{self._path}/issues", {**body, "labels": [label]})["html_url"]

    def solve(self, label: str, text: str) -> str | None:
        """Close the open issue with a label, with `text` in it; its address, None where there is none."""
        if not (ours := self._issue(label)):
            return None
        closed = {"body": text[:MAX_BODY], "state": "closed", "state_reason": "completed"}
        return self.github.patch(f"{self._path}/issues/{ours['number']}", closed)["html_url"]

    def _issue(self, label: str) -> Mapping[str, Any] | None:
        found = self.github.get(f"{self._path}/issues", labels=label, state="open") or []
        return next((one for one in found if "pull_request" not in one), None)

    @property
    def _path(self) -> str:
        return f"/repos/{self.name}"


MARK = "<!-- overskill: this comment is kept up to date by the workflows of this repository -->\n"
"""How the comment begins: whoever has written it, it is found by this."""


def with_section(body: str, section: str, text: str) -> str:
    """`body` with the section in the place of the one of that name, or at its end."""
    begin, end = f"<!-- section {section} -->\n", f"<!-- end of {section} -->\n"
    made = f"{begin}{text.rstrip()}\n{end}"
    before, found, rest = body.partition(begin)
    return f"{before}{made}{rest.partition(end)[2]}" if found else f"{body}{made}"
