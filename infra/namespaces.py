"""The dispatch namespaces of a platform environment: one for each app environment."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from infra.names import AppEnvironment
from infra.platform_config import PlatformConfig


@dataclass(frozen=True, kw_only=True)
class NamespacesArgs:
    """`names` by app environment.

    `protect` keeps Pulumi from deleting a namespace: Cloudflare deletes every script in it along with it.

    `adopt`: they exist already, and this stack takes them up as they are.
    """

    account_id: str
    names: Mapping[AppEnvironment, str]
    protect: bool
    adopt: bool

    @classmethod
    def of(cls, platform: PlatformConfig) -> "NamespacesArgs":
        return cls(
            account_id=platform.account_id,
            names=platform.namespaces,
            protect=platform.protected,
            adopt="namespaces" in platform.adopt,
        )


class Namespaces(pulumi.ComponentResource):
    """Outputs: `names`, the namespace of each app environment."""

    names: dict[AppEnvironment, pulumi.Output[str]]

    def __init__(self, name: str, args: NamespacesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("overskill:platform:Namespaces", name, None, opts)
        self.names = {}
        for app_environment, namespace in args.names.items():
            self.names[app_environment] = cloudflare.WorkersForPlatformsDispatchNamespace(
                f"{name}-{app_environment}",
                account_id=args.account_id,
                name=namespace,
                opts=pulumi.ResourceOptions(
                    parent=self,
                    protect=args.protect,
                    # The provider imports a namespace without its name, and would replace it for getting one. And no
                    # change of a configuration may replace one either: policies refuse what is ignored here.
                    ignore_changes=["accountId", "name"],
                    import_=f"{args.account_id}/{namespace}" if args.adopt else None,
                ),
            ).namespace_name
        self.register_outputs({"names": self.names})
