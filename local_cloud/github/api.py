"""GitHub's REST API as a service: who may make a call, what comes back, and what it costs."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from local_cloud.call import NO_JSON, Answer, Call, Problem, Refusal
from local_cloud.github.access import Caller, identify, token_hash
from local_cloud.github.app_token import AppTokenError, UnknownAppError, check
from local_cloud.github.dialect import Created, not_found, refusal
from local_cloud.github.permissions import ANYONE, AS_APP, AS_INSTALLATION, accepted, visible_to_all
from local_cloud.github.rate_limit import SECONDARY, give_back, spend, too_much
from local_cloud.github.repository import find
from local_cloud.rate_limits import SecondaryLimitError
from local_cloud.real_tokens import REASON

SCOPES = "admin:org, admin:repo_hook, delete_repo, repo, workflow"
"""What the token of credentials.json may do, if it were a classic one."""

SECONDARY_LIMITS = (
    "https://docs.github.com/free-pro-team@latest/rest/overview/rate-limits-for-the-rest-api"
    "#about-secondary-rate-limits"
)

UNICORNS = (503, 504)
UNICORN = b"<!DOCTYPE html>\n<html>\n  <head>\n    <title>Unicorn! &middot; GitHub</title>\n  </head>\n</html>\n"
"""What GitHub's front answers with those, in place of JSON."""

NO_OBJECT = frozenset({"dict_type", "model_attributes_type", "model_type"})
"""What pydantic calls a body that is JSON, but another kind of it."""


class GitHub:
    """The dialect of everything below `/api/v3`, the path of a GitHub that is not github.com."""

    name = "github"

    @contextmanager
    def under_way(self, call: Call) -> Iterator[None]:
        try:
            with call.cloud.rate_limits.under_way(token_hash(call.headers.get("authorization", ""))):
                yield
        except SecondaryLimitError as error:
            raise too_much(call, error) from None

    def admit(self, call: Call) -> None:
        permission = call.route.permission if call.route else ANYONE
        if permission == AS_APP:
            _refuse_all_but_the_app(call)
            spend(call, None)
            return
        caller = identify(call.cloud, call.headers.get("authorization", ""))
        if caller:
            call.answer_headers["X-Accepted-GitHub-Permissions"] = accepted(permission, call.method)
            if caller.token is None:
                call.answer_headers["X-OAuth-Scopes"] = SCOPES
        spend(call, caller)
        if "authorization" not in call.headers:
            raise refusal(401, "Requires authentication")
        if caller is None:
            raise refusal(401, "Bad credentials")
        _refuse_without(permission, call, caller)

    def answer(self, call: Call, result: Any) -> Answer:
        match result:
            case Answer():
                answer = result
            case Created():
                answer = Answer(status=201, body=result.body)
            case None:
                answer = Answer(status=204)
            case _:
                answer = Answer(body=result)
        return _conditional(call, answer) if call.method == "GET" and answer.status == 200 else answer

    def unknown_route(self, method: str, path: str) -> Refusal:
        # Never 404: clients take that as "the resource is gone".
        return refusal(501, f"The local cloud has no call {method} /api/v3{path}")

    def invalid(self, call: Call, problems: Sequence[Problem]) -> Refusal:
        for problem in problems:
            if problem.kind == NO_JSON:
                return refusal(400, "Problems parsing JSON")
            if problem.field == "body" and problem.kind in NO_OBJECT:
                return refusal(400, "Body should be a JSON object")
        return refusal(422, "Invalid request.\n\n" + "\n".join(_sentence(problem) for problem in problems))

    def real_token(self) -> Refusal:
        return refusal(401, f"Bad credentials: {REASON}")

    def fault(self, status: int) -> Answer:
        if status == 429:
            body = {"documentation_url": SECONDARY_LIMITS, "message": SECONDARY}
            return Answer(status=status, body=body, headers={"Retry-After": "1"})
        if status in UNICORNS:
            return Answer(status=status, body=UNICORN, headers={"Content-Type": "text/html; charset=utf-8"})
        return Answer(status=status, body={"message": "Server Error"})

    def failure(self, error: Exception) -> Refusal:
        return refusal(500, f"The local cloud failed: {error!r}")


def _refuse_all_but_the_app(call: Call) -> None:
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    try:
        check(token if scheme.lower() == "bearer" else "", call.cloud.credentials)
    except UnknownAppError as error:
        raise refusal(404, str(error)) from None
    except AppTokenError as error:
        raise refusal(401, str(error)) from None


def _refuse_without(permission: str, call: Call, caller: Caller) -> None:
    """What an installation's token does not reach is not there; what it may not do there is not accessible."""
    if caller.token is None:
        if permission == AS_INSTALLATION:
            wanted = "in order to list repositories for an installation."
            raise refusal(403, f"You must authenticate with an installation access token {wanted}")
        return
    if permission in {ANYONE, AS_INSTALLATION}:
        return
    allowed, public = caller.may(permission, call.method), visible_to_all(permission, call.method)
    if "repo" in call.parameters:
        repository = find(call.cloud, call["owner"], call["repo"])
        if not repository or not caller.sees(repository):
            raise not_found()
        allowed = allowed and caller.reaches(repository)
        public = public and not repository["private"]
    elif "org" in call.parameters:
        allowed = allowed and caller.owns(call["org"])
    if not allowed and not public:
        raise refusal(403, "Resource not accessible by integration")


def _conditional(call: Call, answer: Answer) -> Answer:
    """The answer with its ETag; only 304, which costs nothing, for one who has it already."""
    body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
    etag = f'W/"{hashlib.sha256(body).hexdigest()}"'
    headers = {**answer.headers, "ETag": etag}
    known = [each.strip().removeprefix("W/") for each in call.headers.get("if-none-match", "").split(",")]
    if etag.removeprefix("W/") not in known:
        return replace(answer, headers=headers)
    give_back(call)
    return Answer(status=304, headers=headers)


def _sentence(problem: Problem) -> str:
    field = problem.field.rpartition(".")[2]
    match problem.kind:
        case "missing":
            return f'"{field}" wasn\'t supplied.'
        case "extra_forbidden":
            return f'"{field}" is not a permitted key.'
        case _:
            return f"For 'properties/{problem.field.replace('.', '/')}', {problem.message}."
