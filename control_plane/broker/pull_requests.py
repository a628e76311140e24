"""What an identity token does not say of a pull request: whose branch it is, and whether it is open."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from control_plane.broker.refusals import Refused

PAGE = 100
"""Pull requests in one answer: the most that GitHub gives."""

State = Literal["open", "closed"]


@dataclass(frozen=True)
class Pull:
    """`head`: the number of the repository that its branch is in; None: that is gone."""

    number: int
    state: State
    head: int | None
    updated_at: dt.datetime

    @classmethod
    def of(cls, answer: dict[str, Any]) -> "Pull":
        repository = answer["head"]["repo"]
        at = dt.datetime.fromisoformat(answer["updated_at"])
        return cls(answer["number"], answer["state"], repository and repository["id"], at)


class PullRequests:
    """GitHub's, asked anew each time: one may be closed while its run still deploys. A repository may be asked for by
    the name that it had. Raises `Refused` (503) where GitHub does not tell."""

    def __init__(self, url: str, token: str, http: httpx.AsyncClient) -> None:
        self._url, self._http = url, http
        self._headers = {"Authorization": f"Bearer {token}"}

    async def find(self, repository: str, number: int) -> Pull | None:
        """None: there is no such pull request, or no such repository."""
        found = await self._asked(f"{repository}/pulls/{number}")
        return found and Pull.of(found)

    async def all_open(self, repository: str) -> dict[int, Pull] | None:
        """By their numbers. None: there is no such repository."""
        pulls: dict[int, Pull] = {}
        page = 1
        while True:
            found = await self._asked(f"{repository}/pulls?state=open&per_page={PAGE}&page={page}")
            if found is None:
                return None
            pulls |= {pull.number: pull for pull in map(Pull.of, found)}
            if len(found) < PAGE:
                return pulls
            page += 1

    async def check(self, repository: str, repository_id: int, number: int, state: State) -> None:
        """That it is one of the repository's own branches, and in `state`. Raises `Refused`: 403, 503."""
        pull = await self.find(repository, number)
        if pull is None:
            raise Refused(403, f"{repository} has no pull request {number}")
        if pull.head != repository_id:
            raise Refused(403, f"pull request {number} comes from another repository: a fork's gets no preview")
        if pull.state != state:
            raise Refused(403, f"pull request {number} is {pull.state}")

    async def _asked(self, path: str) -> Any:
        try:
            url = f"{self._url}/repos/{path}"
            answer = await self._http.get(url, headers=self._headers, follow_redirects=True)
            return None if answer.status_code == httpx.codes.NOT_FOUND else answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise Refused(503, f"GitHub does not tell of {path.partition('?')[0]}: try again later") from error
