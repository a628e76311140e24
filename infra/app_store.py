"""What the Workers know of the apps: a KV namespace with each app's plan and services, under `app:{app id}`."""

from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from infra.names import app_store
from infra.platform_config import PlatformConfig


@dataclass(frozen=True, kw_only=True)
class AppStoreArgs:
    """`protect` keeps Pulumi from deleting it: every app would fall back to the default plan."""

    account_id: pulumi.Input[str]
    title: str
    protect: bool

    @classmethod
    def of(cls, platform: PlatformConfig) -> "AppStoreArgs":
        title = app_store(platform.prefix, platform.platform_environment)
        return cls(account_id=platform.account_id, title=title, protect=platform.protected)


class AppStore(pulumi.ComponentResource):
    """Outputs: `namespace_id`, the id of the KV namespace."""

    namespace_id: pulumi.Output[str]

    def __init__(self, name: str, args: AppStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("overskill:platform:AppStore", name, None, opts)
        self.namespace_id = cloudflare.WorkersKvNamespace(
            name,
            account_id=args.account_id,
            title=args.title,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        ).id
        self.register_outputs({"namespace_id": self.namespace_id})
