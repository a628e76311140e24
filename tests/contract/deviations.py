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
        problem=r".* (409|422) \$: 'errors' is not described",
        reason="what is invalid is told one by one, also where no such status is described",
    ),
    Deviation(
        problem=r".*/rulesets.* 422 \$\.errors\[\]: 'Name must be unique' is not of type 'object'",
        reason="GitHub's rulesets tell what is invalid in plain text",
    ),
    Deviation(
        problem=r"GET .* 304 \$: the status 304 is not described",
        reason="what has not changed is not sent again, whatever it is",
    ),
    Deviation(
        problem=r"GET .*/(contents/{path\*}|git/blobs/{sha}) 200 \$: is not JSON",
        reason="asked for as raw, a file is sent as it is",
    ),
    Deviation(
        problem=r".*/environments.* 200 \$.*: 'can_admins_bypass' is not described",
        reason="GitHub shows what it documents as a field of the request; the official Pulumi plugin reads it",
    ),
    Deviation(
        problem=r".* 20[01] \$.*\.(homepage|\w+_url): '' is not a 'uri'",
        reason="an address that was set to nothing, or never, is nothing, and no address",
    ),
    Deviation(
        problem=r".* 20[01] \$.*\.permissions: 'actions_variables' is not described",
        reason="an App may be allowed Variables; the description names the other permissions of Actions",
    ),
    Deviation(
        problem=r"GET /app/installations 200 \$\[\]: 'client_id' is not described",
        reason="the list has an older copy of what an installation is; the shape of a single one has the field",
    ),
    Deviation(
        problem=r"GET /app/installations 200 \$\[\]\.account: '\w+' is a required property",
        reason="the list's copy wants an account to be both a user and an enterprise; an organization is a user",
    ),
    Deviation(
        problem=r"GET /repos/{owner}/{repo}/contents \d+ \$: the call is not described",
        reason="described is a path below it, which may also be empty",
    ),
    Deviation(
        problem=r"GET /repos/{owner}/{repo}/statuses/{ref} \d+ \$: the call is not described",
        reason="the address that PyGithub lists statuses by; documented is /commits/{ref}/statuses",
    ),
    Deviation(
        problem=r"POST /repos/{owner}/{repo}/hooks/{hook}/test \d+ \$: the call is not described",
        reason="the address that a hook itself shows as its test_url; documented is /tests",
    ),
)
