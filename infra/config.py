"""The one reader of the platform stack's configuration: `Pulumi.<stack>.yaml`, checked whole before any resource.

Credentials are not among it: the providers take them from the environment (`CLOUDFLARE_API_TOKEN`, `GITHUB_TOKEN`).
"""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from infra.names import Origins, PlatformEnvironment, dispatch_worker

CREDENTIALS = {
    "cloudflare:apiToken": "CLOUDFLARE_API_TOKEN",
    "cloudflare:apiKey": "CLOUDFLARE_API_KEY",
    "cloudflare:apiUserServiceKey": "CLOUDFLARE_API_USER_SERVICE_KEY",
    "github:token": "GITHUB_TOKEN",
    "github:appAuth": "GITHUB_APP_ID, GITHUB_APP_INSTALLATION_ID and GITHUB_APP_PEM_FILE",
}


class ConfigError(ValueError):
    """A stack's configuration has offenders; the message names each with its key, a line each."""


def _matching(pattern: str, explanation: str) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(explanation)
        return value

    return AfterValidator(check)


def _from_json(value: Any) -> Any:
    """Pulumi hands a structured value over as JSON text."""
    if isinstance(value, str) and value.startswith("{"):
        return json.loads(value)
    return value


Label = Annotated[
    str,
    _matching(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", "must be one DNS label: a-z, 0-9 and inner hyphens"),
]
Prefix = Annotated[
    str,
    _matching(
        r"[a-z][a-z0-9-]{0,30}[a-z0-9]",
        "names every namespace and Worker: 2 to 32 of a-z, 0-9 and inner hyphens, a letter first",
    ),
]
Hostname = Annotated[
    str,
    _matching(
        r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]",
        "must be a lower-case host name such as overskill.com",
    ),
]
AccountId = Annotated[str, _matching(r"[0-9a-f]{32}", "must be the Cloudflare account id: 32 hexadecimal digits")]
Owner = Annotated[str, _matching(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})", "must be a GitHub user or organisation name")]
RepositoryName = Annotated[
    str, _matching(r"[A-Za-z0-9._-]{1,100}", "must be a GitHub repository name, without its owner")
]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Edge(_Model):
    """Where the environment's edge answers. The defaults are Cloudflare's own; the local cloud sets all three."""

    scheme: Literal["https", "http"] = "https"
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    workers_dev_domain: Hostname = "workers.dev"


class CloudflareConfig(_Model):
    """What the Cloudflare provider reads by itself from the stack (`cloudflare:*`)."""

    base_url: HttpUrl | None = None


class GitHubConfig(_Model):
    """What the GitHub provider reads by itself from the stack (`github:*`): `owner` owns the template repository."""

    owner: Owner
    base_url: HttpUrl | None = None
    write_delay_ms: Annotated[int, Field(ge=0)] | None = None
    read_delay_ms: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _enterprise_path(self) -> "GitHubConfig":
        if self.base_url and not str(self.base_url).endswith("/api/v3/"):
            raise ValueError("baseUrl must end in /api/v3/, or the provider asks paths that do not exist")
        return self


class PlatformConfig(_Model):
    """The project's own keys (`overskill:*`). `zone` is the one that holds `domain`, by default the domain itself.

    `providers` chooses the plugins that `./dev` runs with: see `overskill/toolchain/providers.py`.
    """

    prefix: Prefix
    platform_environment: PlatformEnvironment
    account_id: AccountId
    workers_dev_subdomain: Label
    domain: Hostname
    zone: Hostname | None = None
    github_organization: Owner
    template_repository: RepositoryName
    webhook_base: HttpUrl
    providers: Literal["auto", "official", "standin"] = "auto"
    edge: Annotated[Edge, BeforeValidator(_from_json)] = Edge()

    @model_validator(mode="after")
    def _domain_in_zone(self) -> "PlatformConfig":
        if self.zone and self.domain != self.zone and not self.domain.endswith(f".{self.zone}"):
            raise ValueError(
                f"domain {self.domain} is not in zone {self.zone}: its record and route would be refused by Cloudflare"
            )
        return self

    @property
    def zone_name(self) -> str:
        return self.zone or self.domain

    @property
    def origins(self) -> Origins:
        """Both kinds of URL of this environment's scripts."""
        return Origins(
            domain=self.domain,
            worker=dispatch_worker(self.prefix, self.platform_environment),
            workers_dev=f"{self.workers_dev_subdomain}.{self.edge.workers_dev_domain}",
            scheme=self.edge.scheme,
            port=self.edge.port,
        )


class StackConfig(_Model):
    """A whole stack file: the project's keys and those that its two providers read."""

    overskill: PlatformConfig
    cloudflare: CloudflareConfig = CloudflareConfig()
    github: GitHubConfig


def load() -> StackConfig:
    """The configuration of the stack that runs this program. Raises `pulumi.RunError` with every offender."""
    try:
        return parse({**get_config_env(), **CONFIG.get()})
    except ConfigError as error:
        raise pulumi.RunError(f"Pulumi.{pulumi.get_stack()}.yaml:\n{error}") from None


def parse(values: Mapping[str, Any]) -> StackConfig:
    """Check `values` (`{"overskill:prefix": "overskill", ...}`, values as text, numbers or mappings).

    Raises `ConfigError` naming every offender at once. Keys of the engine itself (`pulumi:*`) are left to it.
    """
    sections: dict[str, dict[str, Any]] = {"overskill": {}, "github": {}}
    offenders = []
    for key, value in values.items():
        section, _, name = key.rpartition(":")
        if key in CREDENTIALS:
            offenders.append(f"{key}: credentials never live in the config; export {CREDENTIALS[key]} instead")
        elif section != "pulumi":
            sections.setdefault(section, {})[name] = value
    try:
        config = StackConfig.model_validate(sections)
    except ValidationError as error:
        offenders += [_offender(detail, values) for detail in error.errors()]
    if offenders:
        raise ConfigError("\n".join(f"  {offender}" for offender in sorted(offenders)))
    return config


def _offender(detail: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    section, *path = (str(part) for part in detail["loc"])
    key = f"{section}:{'.'.join(path)}" if path else section
    match detail["type"]:
        case "missing":
            return f"{key}: is missing"
        case "extra_forbidden" if path:
            return f"{key}: is not a key of this project; is it mistyped?"
        case "extra_forbidden":
            keys = ", ".join(sorted(k for k in values if k.rpartition(":")[0] == section))
            return f"{keys}: no provider or project of this stack is called {section or '(none)'!r}; is it mistyped?"
        case "value_error":
            return f"{key}: {detail['ctx']['error']}"
    given = "" if isinstance(detail["input"], dict) else f" (it is {detail['input']!r})"
    return f"{key}: {detail['msg'][0].lower()}{detail['msg'][1:]}{given}"
