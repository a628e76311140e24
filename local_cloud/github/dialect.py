"""How GitHub's REST API speaks: plain answers, errors as `{message, errors?, documentation_url, status}`."""

import hmac
import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from local_cloud.call import Answer, Call, Problem, Refusal
from local_cloud.github.app_token import AppTokenError, UnknownAppError, check
from local_cloud.state import Credentials

DOCUMENTATION = "https://docs.github.com/rest"
MAX_PER_PAGE = 100

AS_APP = "app"
"""The permission of a route that only the App may call, with a JSON web token."""

SCOPES = "admin:org, admin:repo_hook, delete_repo, repo, workflow"
"""What the token of credentials.json may do, if it were a classic one."""


@dataclass(frozen=True, kw_only=True)
class Created:
    """An answer with status 201."""

    body: Any


class GitHub:
    """The dialect of everything below `/api/v3`, the path of a GitHub that is not github.com."""

    def admit(self, call: Call) -> None:
        if call.route and call.route.permission == AS_APP:
            scheme, _, token = call.headers.get("authorization", "").partition(" ")
            try:
                check(token if scheme.lower() == "bearer" else "", call.cloud.credentials)
            except UnknownAppError as error:
                raise refusal(404, str(error)) from None
            except AppTokenError as error:
                raise refusal(401, str(error)) from None
        elif "authorization" not in call.headers:
            raise refusal(401, "Requires authentication")
        elif not _has_token(call):
            raise refusal(401, "Bad credentials")

    def headers(self, call: Call) -> Mapping[str, str]:
        return {"X-OAuth-Scopes": SCOPES} if _has_token(call) else {}

    def answer(self, result: Any) -> Answer:
        match result:
            case Answer():
                return result
            case Created():
                return Answer(status=201, body=result.body)
            case None:
                return Answer(status=204)
            case _:
                return Answer(body=result)

    def unknown_route(self, method: str, path: str) -> Refusal:
        # Never 404: clients take that as "the resource is gone".
        return refusal(501, f"The local cloud has no call {method} /api/v3{path}")

    def invalid(self, call: Call, problems: Sequence[Problem]) -> Refusal:
        return refusal(422, "Invalid request.\n\n" + "\n".join(_sentence(problem) for problem in problems))

    def failure(self, error: Exception) -> Refusal:
        return refusal(500, f"The local cloud failed: {error!r}")


def _has_token(call: Call) -> bool:
    return is_authorized(call.headers.get("authorization", ""), call.cloud.credentials)


def is_authorized(authorization: str, credentials: Credentials) -> bool:
    """Whether the header carries the token: as such, as the password of any user, or as the user's name."""
    scheme, _, sent = authorization.partition(" ")
    match scheme.lower():
        case "bearer" | "token":
            tokens = [sent]
        case "basic":
            try:
                tokens = b64decode(sent, validate=True).decode().split(":", 1)
            except ValueError:
                return False
        case _:
            return False
    return any(hmac.compare_digest(token.encode(), credentials.github_token.encode()) for token in tokens)


def refusal(status: int, message: str, errors: Sequence[Mapping[str, str]] = ()) -> Refusal:
    body: dict[str, Any] = {"message": message, "documentation_url": DOCUMENTATION, "status": str(status)}
    return Refusal(status, {**body, "errors": list(errors)} if errors else body)


def not_found() -> Refusal:
    return refusal(404, "Not Found")


def unserved(what: str) -> Refusal:
    """GitHub could do it, the local cloud can't."""
    return refusal(501, f"The local cloud does not serve {what}")


def page(call: Call, items: Sequence[Any]) -> Answer:
    """The part of `items` that the query's `page` and `per_page` ask for, with the `Link` to the others."""
    number, size = call.number("page", 1, 10**9), min(call.number("per_page", 30, 10**9), MAX_PER_PAGE)
    last = max(1, -(-len(items) // size))
    links = {"prev": number - 1, "first": 1} if number > 1 else {}
    links |= {"next": number + 1, "last": last} if number < last else {}
    url = f"{call.cloud.settings.api_url}/api/v3{call.path}"
    others = {name: value for name, value in call.query.items() if name != "page"}
    link = ", ".join(
        f'<{url}?{urlencode({**others, "page": target})}>; rel="{relation}"' for relation, target in links.items()
    )
    return Answer(body=items[(number - 1) * size : number * size], headers={"Link": link} if link else {})


def now() -> str:
    """The time in GitHub's form."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def check_name(name: str, kind: str) -> str:
    """The name of a secret or variable, in capitals as GitHub keeps it; refused if GitHub allows no such name."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise refusal(
            422,
            f"{kind} names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). "
            "Spaces are not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_).",
        )
    if name.upper().startswith("GITHUB_"):
        raise refusal(422, f"{kind} names must not start with GITHUB_.")
    return name.upper()


def _sentence(problem: Problem) -> str:
    field = problem.field.rpartition(".")[2]
    match problem.kind:
        case "missing":
            return f'"{field}" wasn\'t supplied.'
        case "extra_forbidden":
            return f'"{field}" is not a permitted key.'
        case _:
            return f"For 'properties/{problem.field.replace('.', '/')}', {problem.message}."
