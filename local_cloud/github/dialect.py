"""How GitHub's REST API speaks: plain answers, errors as `{message, errors?, documentation_url, status}`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from local_cloud.call import Answer, Call, Refusal

DOCUMENTATION = "https://docs.github.com/rest"
MAX_PER_PAGE = 100


@dataclass(frozen=True, kw_only=True)
class Created:
    """An answer with status 201."""

    body: Any


def refusal(status: int, message: str, errors: Sequence[Mapping[str, Any] | str] = ()) -> Refusal:
    body: dict[str, Any] = {"message": message, "documentation_url": DOCUMENTATION, "status": str(status)}
    return Refusal(status, {**body, "errors": list(errors)} if errors else body)


def not_found() -> Refusal:
    return refusal(404, "Not Found")


def unserved(what: str) -> Refusal:
    """GitHub could do it, the local cloud can't."""
    return refusal(501, f"The local cloud does not serve {what}")


def page(call: Call, items: Sequence[Any], default: int = 30, maximum: int = MAX_PER_PAGE) -> Answer:
    """The part of `items` that the query's `page` and `per_page` ask for, with the `Link` to the others."""
    number, size = call.number("page", 1, 10**9), min(call.number("per_page", default, 10**9), maximum)
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
