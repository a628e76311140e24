"""The dispatch namespaces of a platform environment: one for each app environment."""

from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from infra import names


@dataclass(frozen=True, kw_only=True)
class NamespacesArgs:
    """`protect` keeps Pulumi from deleting a namespace: Cloudflare deletes every script in it along with it."""

    account_id: pulumi.Input[str]
    prefix: str
    platform_environment: names.PlatformEnvironment
    protect: bool


class Namespaces(pulumi.ComponentResource):
    """Outputs: `names`, the namespace of each app environment."""

    names: dict[names.AppEnvironment, pulumi.Output[str]]

    def __init__(self, name: str, args: NamespacesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("overskill:platform:Namespaces", name, None, opts)
        self.names = {
            app_environment: cloudflare.WorkersForPlatformsDispatchNamespace(
                f"{name}-{app_environment}",
                account_id=args.account_id,
                name=names.namespace(args.prefix, args.platform_environment, app_environment),
                opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
            ).namespace_name
            for app_environment in names.APP_ENVIRONMENTS
        }
        self.register_outputs({"names": self.names})
