"""The one reader of the control plane's settings: `OVERSKILL_*` variables of the environment."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, AnyHttpUrl, Field, IPvAnyNetwork, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from infra.outputs import PlatformOutputs
from infra.platform_config import Quota

Url = Annotated[str, AfterValidator(lambda text: str(AnyHttpUrl(text)).rstrip("/"))]
"""A URL as text, without a slash at its end."""


class Settings(BaseSettings):
    """Which platform it serves, where its neighbours are, and its credentials: `SecretStr`s, which no log shows.

    `platform` has the outputs of the platform stack, as JSON. `database_url` is SQLAlchemy's, and `bundles` a bucket's,
    `s3://bucket/prefix`; without them the folder `state` has an SQLite database, and files. `webhook_secret` is the
    platform's root secret: each app's own is derived from it. `builder_url` takes signed events; without it the builder
    is told of none. `oidc_issuer` signs the identity tokens of workflow runs. A customer may have `apps_per_customer`;
    a new app's first deploy, and then its address, are waited for so long; so many `engines` run at once in a process.
    Usage is collected every `usage_minutes`, with 0 by the command alone, and then held against the plans' `quotas`.
    Previews of closed pull requests, and with `stale_preview_days` of those left alone for so long, are removed every
    `preview_cleaning_hours`; 0 is never.

    `public_url` is where browsers reach the dashboard, if not at `listen`; its host and `trusted_hosts` are the names
    that the server answers under. `proxies` are the networks of reverse proxies: from there, and from nowhere else,
    `X-Forwarded-For` says who calls, and the header `login_header`, if it is set, which operator that is.
    """

    model_config = SettingsConfigDict(env_prefix="OVERSKILL_", frozen=True, extra="forbid")

    platform_stack: str
    platform: PlatformOutputs
    state: Path
    database_url: str = ""
    bundles: str = Field(default="", pattern=r"^(s3://[a-z0-9][a-z0-9.-]+(/\S*)?)?$")
    webhook_secret: SecretStr
    cloudflare_url: Url = "https://api.cloudflare.com/client/v4"
    cloudflare_api_token: SecretStr
    github_url: Url = "https://api.github.com"
    github_token: SecretStr
    oidc_issuer: Url = "https://token.actions.githubusercontent.com"
    builder_url: Url | None = None
    apps_per_customer: int = Field(default=100, ge=0)
    first_deploy_seconds: int = Field(default=1800, ge=1)
    probe_seconds: int = Field(default=120, ge=1)
    engines: int = Field(default=2, ge=1)
    usage_minutes: int = Field(default=0, ge=0)
    quotas: dict[str, Quota] = Field(default_factory=dict)
    preview_cleaning_hours: int = Field(default=0, ge=0)
    stale_preview_days: int = Field(default=0, ge=0)
    listen: str = "127.0.0.1"
    port: int = Field(default=8786, ge=0, le=65535)
    public_url: Url | None = None
    trusted_hosts: tuple[str, ...] = ()
    proxies: tuple[IPvAnyNetwork, ...] = ()
    login_header: str = ""
    api_calls_a_minute: int = Field(default=1200, gt=0)

    @property
    def database(self) -> str:
        return database_url(self.database_url, self.state)


def locks_folder(state: Path) -> Path:
    return state / "locks"


def database_url(given: str, state: Path) -> str:
    """The one `given`, or SQLite's in the folder `state`."""
    return given or f"sqlite:///{state / 'control-plane.db'}"
