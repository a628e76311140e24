"""What a stack file says of one platform environment: its sections, their keys, and their defaults."""

from typing import Annotated, Literal

from pydantic import Field, HttpUrl

from infra.config_types import (
    AccountId,
    ActionPattern,
    BaseUrl,
    GitHubOwner,
    Hostname,
    HostPattern,
    Label,
    Model,
    PlanName,
    Prefix,
    RepositoryFullName,
    Structured,
    VersionId,
)
from infra.names import (
    APP_ENVIRONMENTS,
    AppEnvironment,
    Origins,
    PlatformEnvironment,
    UrlKind,
    dispatch_worker,
    namespace,
    usage_dataset,
)


class Edge(Model):
    """Where the environment's edge answers. The defaults are Cloudflare's own; the local cloud sets all three."""

    scheme: Literal["https", "http"] = "https"
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    workers_dev_domain: Hostname = "workers.dev"


class Egress(Model):
    """Where apps of a plan may `fetch`: what is in `allow`, and the services that an app declares itself.

    `observe` lets everything else pass and records it; `enforce` denies it and records that.
    """

    mode: Literal["observe", "enforce"] = "observe"
    allow: list[HostPattern] = Field(default_factory=list)


class Quota(Model):
    """What an app may use in a day, in UTC: requests, whatever becomes of them, and CPU in milliseconds.

    What is not given is not limited. An app that has used up either is over quota until the day ends.
    """

    requests_per_day: Annotated[int, Field(ge=1)] | None = None
    cpu_ms_per_day: Annotated[int, Field(ge=1)] | None = None


class Plan(Model):
    """What one request of an app may use: CPU in milliseconds (Cloudflare's most is 30 s), and subrequests."""

    cpu_ms: Annotated[int, Field(ge=1, le=30_000)] = 50
    subrequests: Annotated[int, Field(ge=1, le=10_000)] = 50
    egress: Egress = Egress()
    quota: Quota = Quota()


class Certificate(Model):
    """Who brings the certificate of the apps' hosts.

    `universal`: Cloudflare, by itself, for the zone and one level below it. `advanced`: a certificate pack of this
    stack for `hosts`, by default the zone and all below the domain. `none`: somebody else.
    """

    kind: Literal["universal", "advanced", "none"] = "universal"
    hosts: list[HostPattern] = Field(default_factory=list)
    authority: Literal["google", "lets_encrypt", "ssl_com"] = "google"
    validity_days: Literal[14, 30, 90, 365] = 90


class Previews(Model):
    """Who may open what is not in production: in the app environments `protect`, only who has a signed link or a login.

    `login_url`: where the builder logs people in, for those who have neither.
    """

    protect: list[Literal["preview", "staging"]] = Field(default_factory=list)
    login_url: HttpUrl | None = None


class OrganizationSettings(Model):
    """Settings of the apps' GitHub organisation that this stack owns; what is not given is left alone.

    `oidc_subject`: what a workflow's identity token names as its subject. `allowed_actions`: what workflows may use
    besides GitHub's own actions, in every repository of the organisation.
    """

    oidc_subject: Annotated[list[str], Field(min_length=1)] | None = None
    allowed_actions: list[ActionPattern] | None = None

    @property
    def owned(self) -> bool:
        """Whether there are any."""
        return self != OrganizationSettings()


class GitHubApp(Model):
    """The builder's own GitHub App; its private key and client secret live in the environment."""

    id: Annotated[int, Field(ge=1)]
    client_id: str


class Rollout(Model):
    """A new version of the dispatch Worker gets `percentage` of the requests, the version `stable` the rest.

    With 0 it is uploaded, and nothing of it runs.
    """

    stable: VersionId
    percentage: Annotated[int, Field(ge=0, le=99)]


class PreviewStacks(Model):
    """The platforms of pull requests that copy this stack: `most` at once, each for `ttl_hours` after its last `up`."""

    ttl_hours: Annotated[int, Field(ge=1)] = 72
    most: Annotated[int, Field(ge=1)] = 5


class PlatformConfig(Model):
    """The project's own keys (`overskill:*`). `zone` is the one that holds `domain`, by default the domain itself.

    `providers` chooses the plugins that `./dev` runs with: see `overskill/toolchain/providers.py`.
    """

    prefix: Prefix
    platform_environment: PlatformEnvironment
    account_id: AccountId
    workers_dev_subdomain: Label
    domain: Hostname
    zone: Hostname | None = None
    app_environments: Structured[list[AppEnvironment]] = Field(default=list(APP_ENVIRONMENTS), min_length=1)
    urls: UrlKind = "subdomain"
    redirect_paths: bool = False
    wildcard_record: Literal["cname", "originless"] = "cname"
    exempt_hosts: Structured[list[Label]] = Field(default_factory=list)
    certificate: Structured[Certificate] = Certificate()
    custom_hostnames: bool = False
    plans: Structured[dict[PlanName, Plan]] = Field(default={"standard": Plan()}, min_length=1)
    default_plan: PlanName = "standard"
    app_cache_seconds: Annotated[int, Field(ge=1, le=60)] = 5
    parent_cookies: Literal["keep", "drop"] = "keep"
    previews: Structured[Previews] = Previews()
    github_organization: GitHubOwner
    template: Literal["own", "use"] = "own"
    template_repository: RepositoryFullName | None = None
    organization_settings: Structured[OrganizationSettings] = OrganizationSettings()
    github_app: Structured[GitHubApp] | None = None
    webhook_base: BaseUrl
    api_base: BaseUrl
    protect: bool | None = None
    adopt: Structured[list[Literal["namespaces", "template"]]] = Field(default_factory=list)
    rollout: Structured[Rollout] | None = None
    preview_stacks: Structured[PreviewStacks] = PreviewStacks()
    providers: Literal["auto", "official", "standin"] = "auto"
    edge: Structured[Edge] = Edge()

    @property
    def zone_name(self) -> str:
        return self.zone or self.domain

    @property
    def protected(self) -> bool:
        """Whether no plan may delete what apps live in; by default, in production."""
        return self.platform_environment == "production" if self.protect is None else self.protect

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

    @property
    def namespaces(self) -> dict[AppEnvironment, str]:
        """The names of the dispatch namespaces, by app environment."""
        return {app: namespace(self.prefix, self.platform_environment, app) for app in self.app_environments}

    @property
    def usage_dataset(self) -> str:
        """The name of the Analytics Engine dataset that the Workers write to."""
        return usage_dataset(self.prefix, self.platform_environment)

    @property
    def certificate_hosts(self) -> list[str]:
        """The hosts of an advanced certificate: those given, or the zone and everything a level below the domain."""
        return sorted({*self.certificate.hosts} or {self.zone_name, self.domain, f"*.{self.domain}"})
