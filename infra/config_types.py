"""The kinds of values that a stack's configuration is made of, each with its own explanation of what is wrong."""

import json
import re
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, HttpUrl
from pydantic.alias_generators import to_camel

Shape = TypeVar("Shape")


class Model(BaseModel):
    """Frozen; keys are camelCase; a key that it does not name is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


def _from_json(value: Any) -> Any:
    """Pulumi hands a structured value over as JSON text."""
    if isinstance(value, str) and value.startswith(("{", "[")):
        return json.loads(value)
    return value


Structured = Annotated[Shape, BeforeValidator(_from_json)]


def _text(pattern: str, explanation: str) -> Any:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(explanation)
        return value

    return Annotated[str, AfterValidator(check), Field(json_schema_extra={"pattern": f"^(?:{pattern})$"})]


_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOSTNAME = rf"(?:{_LABEL}\.)+[a-z][a-z0-9-]*[a-z0-9]"
_GITHUB_OWNER = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})"

BaseUrl = Annotated[
    HttpUrl, AfterValidator(lambda url: str(url).rstrip("/")), Field(json_schema_extra={"format": "uri"})
]
"""As text, without a slash at its end: paths are put behind it."""

Label = _text(_LABEL, "must be one DNS label: a-z, 0-9 and inner hyphens")
Prefix = _text(
    r"[a-z][a-z0-9-]{0,30}[a-z0-9]",
    "names every namespace and Worker: 2 to 32 of a-z, 0-9 and inner hyphens, a letter first",
)
Hostname = _text(_HOSTNAME, "must be a lower-case host name such as overskill.com")
HostPattern = _text(
    rf"(?:\*\.)?{_HOSTNAME}",
    "must be a lower-case host name such as api.example.com, or *.example.com for all below one",
)
AccountId = _text(r"[0-9a-f]{32}", "must be the Cloudflare account id: 32 hexadecimal digits")
GitHubOwner = _text(_GITHUB_OWNER, "must be a GitHub user or organisation name")
RepositoryFullName = _text(
    rf"{_GITHUB_OWNER}/[A-Za-z0-9._-]{{1,100}}",
    "must be a GitHub repository with its owner, such as overskill/vite-wfp-template",
)
DisplayName = _text(
    r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]{0,100}",
    "must be 100 characters at most, on one line, without control characters and marks that turn the direction",
)
PlanName = _text(r"[a-z][a-z0-9_-]{0,31}", "must be a plan's name: 1 to 32 of a-z, 0-9, _ and -, a letter first")
VariableName = _text(
    r"(?!(?:GITHUB|OVERSKILL|CLOUDFLARE)_)[A-Z_][A-Z0-9_]{0,99}",
    "must be of A-Z, 0-9 and _, no digit first, and not begin with GITHUB_, OVERSKILL_ or CLOUDFLARE_",
)
TeamSlug = _text(r"[a-z0-9][a-z0-9._-]{0,99}", "must be a team's slug at GitHub, such as app-builders")
ActionPattern = _text(
    r"[A-Za-z0-9_.*-]+/[A-Za-z0-9_./*-]+(?:@\S+)?",
    "must be an action such as actions/checkout@* or an owner's all: owner/*",
)
VersionId = _text(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "must be the id of a Worker's version; ./dev rollout and ./dev rollback write it",
)
