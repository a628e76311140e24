"""What an identity token does not say of a pull request: whose branch it is, and whether it is open."""

from typing import Literal

import httpx

from control_plane.broker.refusals import Refused
from control_plane.settings import Settings


class PullRequests:
    """GitHub's, asked anew each time: one may be closed while its run still deploys."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._url, self._http = settings.github_url, http
        self._headers = {"Authorization": f"Bearer {settings.github_token.get_secret_value()}"}

    async def check(self, repository: str, repository_id: int, number: int, state: Literal["open", "closed"]) -> None:
        """That it is one of the repository's own branches, and in `state`. Raises `Refused`: 403, 503."""
        try:
            answer = await self._http.get(f"{self._url}/repos/{repository}/pulls/{number}", headers=self._headers)
            if answer.status_code == httpx.codes.NOT_FOUND:
                raise Refused(403, f"{repository} has no pull request {number}")
            pull = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise Refused(503, f"GitHub does not tell of pull request {number}: run the job again") from error
        head = pull["head"]["repo"]
        if head is None or head["id"] != repository_id:
            raise Refused(403, f"pull request {number} comes from another repository: a fork's gets no preview")
        if pull["state"] != state:
            raise Refused(403, f"pull request {number} is {pull['state']}")
