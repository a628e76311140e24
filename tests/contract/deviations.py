"""Where GitHub answers otherwise than its own description says, and the local cloud does as GitHub does."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """`problem` is a pattern for what is found, such as `GET /app 200 \\$.owner: 'login' is not described`."""

    problem: str
    reason: str

    def explains(self, problem: str) -> bool:
        return re.fullmatch(self.problem, problem) is not None


DEVIATIONS = (
    Deviation(
        problem=r".* 4\d\d \$: 'status' is not described",
        reason="every error of GitHub's has its status in it, as text",
    ),
    Deviation(
        problem=r".*/environments.* 200 \$.*: 'can_admins_bypass' is not described",
        reason="GitHub shows what it documents as a field of the request; the official Pulumi plugin reads it",
    ),
    Deviation(
        problem=r".* /repos/{owner}/{repo} 200 \$\.homepage: '' is not a 'uri'",
        reason="a homepage that was set to nothing is nothing, and no address",
    ),
    Deviation(
        problem=r"GET .*/installation 200 \$\.permissions: 'actions_variables' is not described",
        reason="an App may be allowed Variables; the description names the other permissions of Actions",
    ),
    Deviation(
        problem=r"POST /repos/{owner}/{repo}/hooks/{hook}/test 204 \$: the call is not described",
        reason="the address that a hook itself shows as its test_url; documented is /tests",
    ),
)
