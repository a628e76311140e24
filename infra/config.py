"""The one reader of the platform stack's configuration: `Pulumi.<stack>.yaml`, checked whole before any resource.

Credentials are not among it: the providers take them from the environment (`CLOUDFLARE_API_TOKEN`, `GITHUB_TOKEN`).
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env
from pydantic import Field, HttpUrl, ValidationError, model_validator

from infra import config_rules
from infra.config_rules import InconsistentConfig
from infra.config_types import GitHubOwner, Model
from infra.platform_config import PlatformConfig

CREDENTIALS = {
    "cloudflare:apiToken": "CLOUDFLARE_API_TOKEN",
    "cloudflare:apiKey": "CLOUDFLARE_API_KEY",
    "cloudflare:apiUserServiceKey": "CLOUDFLARE_API_USER_SERVICE_KEY",
    "github:token": "GITHUB_TOKEN",
    "github:appAuth": "GITHUB_APP_ID, GITHUB_APP_INSTALLATION_ID and GITHUB_APP_PEM_FILE",
}


class ConfigError(ValueError):
    """A stack's configuration has offenders; the message names each with its key, a line each."""


class CloudflareConfig(Model):
    """What the Cloudflare provider reads by itself from the stack (`cloudflare:*`)."""

    base_url: HttpUrl | None = None


class GitHubConfig(Model):
    """What the GitHub provider reads by itself from the stack (`github:*`): `owner` owns the template repository."""

    owner: GitHubOwner
    base_url: HttpUrl | None = None
    write_delay_ms: Annotated[int, Field(ge=0)] | None = None
    read_delay_ms: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _enterprise_path(self) -> "GitHubConfig":
        if self.base_url and not str(self.base_url).endswith("/api/v3/"):
            raise ValueError("baseUrl must end in /api/v3/, or the provider asks paths that do not exist")
        return self


class StackConfig(Model):
    """A whole stack file: the project's keys and those that its two providers read."""

    overskill: PlatformConfig
    cloudflare: CloudflareConfig = CloudflareConfig()
    github: GitHubConfig

    @model_validator(mode="after")
    def _consistent(self) -> "StackConfig":
        config_rules.check(self)
        return self

    @property
    def template_repository(self) -> str:
        """What apps start from, with its owner; by default named after the prefix, so that two platforms have two."""
        return self.overskill.template_repository or f"{self.github.owner}/{self.overskill.prefix}-app-template"


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
        offenders += [line for detail in error.errors() for line in _offenders(detail, values)]
    if offenders:
        raise ConfigError("\n".join(f"  {offender}" for offender in sorted(offenders)))
    return config


def _offenders(detail: Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
    error = detail.get("ctx", {}).get("error")
    return error.offenders if isinstance(error, InconsistentConfig) else [_offender(detail, values)]


def _offender(detail: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    section, *path = (str(part) for part in detail["loc"])
    key = f"{section}:{'.'.join(path)}" if path else section
    match detail["type"]:
        case "missing":
            return f"{key}: is missing"
        case "extra_forbidden" if path:
            return f"{key}: is not a key of this project; {_suggestion(section, path)}"
        case "extra_forbidden":
            keys = ", ".join(sorted(k for k in values if k.rpartition(":")[0] == section))
            return f"{keys}: no provider or project of this stack is called {section or '(none)'!r}; is it mistyped?"
    given = "" if isinstance(detail["input"], dict) else f" (it is {detail['input']!r})"
    if detail["type"] == "value_error":
        return f"{key}: {detail['ctx']['error']}{given}"
    return f"{key}: {detail['msg'][0].lower()}{detail['msg'][1:]}{given}"


def _suggestion(section: str, path: Sequence[str]) -> str:
    model = StackConfig.model_fields[section].annotation
    known = [field.alias for field in model.model_fields.values()]
    close = difflib.get_close_matches(path[0], known, n=1) if len(path) == 1 else []
    return f"did you mean {section}:{close[0]}?" if close else "is it mistyped?"
