"""What of a platform a sweep has to know: where its apps live, and by which marks it tells its own things."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from infra.config import StackConfig
from infra.names import AppEnvironment, PlatformEnvironment, smoke_app


@dataclass(frozen=True, kw_only=True)
class Place:
    """`app_store` is the id of a KV namespace, `zone` that of the customers' hosts' zone where there are any.

    `smoke` is the app that each deploy tries the platform with: its stack file is where that ran, which may be gone.
    """

    stack: str
    account_id: str
    platform_environment: PlatformEnvironment
    namespaces: Mapping[AppEnvironment, str]
    organization: str
    app_store: str
    zone: str | None
    template: str
    smoke: str

    @classmethod
    def of(cls, stack: str, config: StackConfig, outputs: Mapping[str, object]) -> "Place":
        """`outputs` are the platform stack's."""
        platform = config.overskill
        hosts = outputs.get("customerHosts")
        return cls(
            stack=stack,
            account_id=platform.account_id,
            platform_environment=platform.platform_environment,
            namespaces=platform.namespaces,
            organization=platform.github_organization,
            app_store=str(outputs["appStore"]),
            zone=hosts["zoneId"] if isinstance(hosts, Mapping) else None,
            template=config.template_repository,
            smoke=smoke_app(platform.prefix, platform.platform_environment),
        )

    def app_stack(self, app_id: str) -> str:
        return f"{self.stack}.{app_id}"

    def is_ours(self, tags: Collection[str], app_id: str) -> bool:
        """Whether a script's tags are those that this platform gives the app's."""
        return {f"app-{app_id}", f"platform-{self.platform_environment}"} <= {*tags}

    def others(self, tags: Sequence[str]) -> list[str]:
        """The tags that name another platform."""
        own = f"platform-{self.platform_environment}"
        return [tag for tag in tags if tag.startswith("platform-") and tag != own]
