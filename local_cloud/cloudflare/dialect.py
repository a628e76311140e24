"""How Cloudflare's API speaks: the envelope `{success, errors, messages, result, result_info?}` and its errors."""

import re
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from local_cloud.call import NO_FORM, NO_JSON, Answer, Call, Problem, Refusal
from local_cloud.cloudflare.access import FAMILIES, NONE, SESSION, ZONE, Family, reach, reaches_zone, token_of
from local_cloud.cloudflare.rate_limits import CALLS, GRAPHQL_QUERIES, RateLimit
from local_cloud.edge import UnrunnableError
from local_cloud.real_tokens import REASON
from local_cloud.store import Document

ID = re.compile(r"[0-9a-f]{32}")

PLAIN_SCRIPTS = ("application/javascript", "text/javascript")
"""Content types of a script in the old format, which Cloudflare takes and the local cloud does not."""

INVALID = 10021
"""The code of whatever Workers refuses in an upload or in settings."""

_GATEWAY_PAGES = {
    502: (
        "text/html",
        b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center>"
        b"<h1>502 Bad Gateway</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n",
    ),
    503: ("text/plain", b"upstream connect error or disconnect/reset before headers. reset reason: connection timeout"),
    504: ("text/plain", b"upstream request timeout"),
}
"""What comes from before the API itself, and is no JSON."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """Part of a list, with the `result_info` that tells where it is in the whole."""

    result: list[Any] | dict[str, list[Any]]
    info: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A result with a status that is not 200."""

    status: int
    result: Any


class Cloudflare:
    """The dialect of everything below `/client/v4`."""

    name = "cloudflare"

    def __init__(self) -> None:
        self._calls = RateLimit(CALLS)
        self._queries = RateLimit(GRAPHQL_QUERIES)

    def admit(self, call: Call) -> None:
        if "authorization" not in call.headers:
            raise refusal(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")
        own_token = call.route is not None and call.route.permission == SESSION
        token = None if own_token else token_of(call)
        if token is None and not own_token:
            raise unauthenticated()
        if call.cloud.conditions.enforce_limits:
            self._count(call)
        account, zone = call.parameters.get("account"), call.parameters.get("zone")
        if not all(ID.fullmatch(sent_id) for sent_id in (account, zone) if sent_id is not None):
            raise self.unknown_route(call.method, call.path)
        if account is not None and account != call.cloud.settings.account:
            raise _forbidden()
        if zone is not None and not call.store.get("zones", "", zone):
            raise _unauthorized()
        if token and call.route and call.route.permission != NONE:
            _refuse_without(FAMILIES[call.route.permission], call, token)

    def under_way(self, call: Call) -> AbstractContextManager[None]:
        return nullcontext()

    def answer(self, call: Call, result: Any) -> Answer:
        match result:
            case Answer():
                return result
            case Page():
                return Answer(body={**_envelope(result.result), "result_info": result.info})
            case Accepted():
                return Answer(status=result.status, body=_envelope(result.result))
            case _:
                return Answer(body=_envelope(result))

    def unknown_route(self, method: str, path: str) -> Refusal:
        # Never 404: clients take that as "the resource is gone".
        message = f"Could not route to /client/v4{path}, perhaps your object identifier is invalid?"
        return _refusal(400, [(7003, message), (7000, f"No route for that URI ({method})")])

    def invalid(self, call: Call, problems: Sequence[Problem]) -> Refusal:
        kinds = {problem.kind for problem in problems}
        if NO_FORM in kinds and call.headers.get("content-type", "").partition(";")[0] not in PLAIN_SCRIPTS:
            return refusal(415, 10001, f"Content-Type must be one of: {', '.join(PLAIN_SCRIPTS)}, multipart/form-data")
        if NO_JSON in kinds and "/workers/" not in call.path:
            return refusal(400, 6007, "Malformed JSON in request body")
        between = " => " if "/d1/" in call.path else ": "
        wrong = "; ".join(f"{problem.field}{between}{problem.message}" for problem in problems)
        if "/d1/" in call.path:
            return refusal(400, 7400, f"Invalid property: {wrong}")
        if "/workers/" in call.path:
            return refusal(400, 10026, f"workers.api.error.parse_body: {wrong}")
        return refusal(400, 9207, f"Request body is invalid: {wrong}")

    def real_token(self) -> Refusal:
        return refusal(401, 10000, f"Authentication error: {REASON}")

    def fault(self, status: int) -> Answer:
        if status in _GATEWAY_PAGES:
            content_type, page = _GATEWAY_PAGES[status]
            return Answer(status=status, body=page, headers={"Content-Type": content_type})
        if status == 429:
            return replace(_throttled().answer, headers={"Retry-After": "1"})
        return refusal(status, 10013, "workers.api.error.unknown").answer

    def failure(self, error: Exception) -> Refusal:
        if isinstance(error, UnrunnableError):
            return invalid(*error.problems)
        return refusal(500, 10013, f"workers.api.error.unknown: the local cloud failed: {error!r}")

    def _count(self, call: Call) -> None:
        token = call.headers["authorization"]
        allowed = self._calls.take(token)
        call.answer_headers.update(self._calls.headers(token))
        if not allowed:
            raise _throttled()
        if call.path == "/graphql" and not self._queries.take(token):
            # GraphQL's errors come with status 200.
            told = "Rate limiter budget depleted. Please try again after 5 minutes."
            error = {"message": told, "path": None, "extensions": {"timestamp": now()}}
            raise Refusal(200, {"data": None, "errors": [error]})


def _refuse_without(family: Family, call: Call, token: Document) -> None:
    allowed = reach(token, family.enough(call.method), family.scope)
    if not allowed:
        raise _unauthorized() if family.unauthorized else _forbidden()
    # A zone that is to be made is none of those that a policy can name; a list has those that it names.
    zone = call.parameters.get("zone", "*")
    lists_zones = zone == "*" and call.method == "GET"
    if family.scope == ZONE and not lists_zones and not reaches_zone(allowed, zone):
        # A call of the account that is for any of its zones: wrangler goes on zone by zone after this one.
        raise _forbidden() if "account" in call.parameters else _unauthorized()


def refusal(status: int, code: int, message: str) -> Refusal:
    """An answer with one error."""
    return _refusal(status, [(code, message)])


def invalid(*problems: str) -> Refusal:
    """Workers' refusal of an upload or of settings, with everything that is wrong with it."""
    return _refusal(400, [(INVALID, problem) for problem in problems])


def page(call: Call, items: Sequence[Any], *, least: int = 1, most: int = 5000) -> Page:
    """The part of `items` that the query's `page` and `per_page`, which has limits, ask for; empty past the end."""
    number, size = call.number("page", 1, 10**9), call.number("per_page", 20, most, least)
    part = list(items[(number - 1) * size : number * size])
    pages = -(-len(items) // size)
    info = {"page": number, "per_page": size, "count": len(part), "total_count": len(items), "total_pages": pages}
    return Page(result=part, info=info)


def new_id() -> str:
    return uuid.uuid4().hex


def now() -> str:
    """The time in Cloudflare's form."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _throttled() -> Refusal:
    return refusal(429, 971, "Please wait and consider throttling your request speed")


def unauthenticated() -> Refusal:
    """The refusal of a token that is not one."""
    return refusal(401, 10000, "Authentication error")


def _forbidden() -> Refusal:
    return refusal(403, 10000, "Authentication error")


def _unauthorized() -> Refusal:
    return refusal(403, 9109, "Unauthorized to access requested resource")


def _envelope(result: Any) -> dict[str, Any]:
    return {"success": True, "errors": [], "messages": [], "result": result}


def _refusal(status: int, errors: Sequence[tuple[int, str]]) -> Refusal:
    listed = [{"code": code, "message": message} for code, message in errors]
    return Refusal(status, {"success": False, "errors": listed, "messages": [], "result": None})
