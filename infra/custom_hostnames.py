"""Cloudflare for SaaS: hosts that customers bring reach the dispatch Worker."""

from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from infra.domain import ORIGINLESS, exempt
from infra.platform_config import PlatformConfig


@dataclass(frozen=True, kw_only=True)
class CustomHostnamesArgs:
    """`domain` is the zone's own name: the route takes every host that Cloudflare serves for the zone.

    `protect` keeps Pulumi from deleting the route.
    """

    zone_id: pulumi.Input[str]
    domain: str
    worker: pulumi.Input[str]
    protect: bool

    @classmethod
    def of(
        cls, platform: PlatformConfig, *, zone_id: pulumi.Input[str], worker: pulumi.Input[str]
    ) -> "CustomHostnamesArgs":
        return cls(zone_id=zone_id, domain=platform.domain, worker=worker, protect=platform.protected)


class CustomHostnames(pulumi.ComponentResource):
    """Outputs: `origin`, the host that customers point theirs to."""

    origin: pulumi.Output[str]

    def __init__(self, name: str, args: CustomHostnamesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("overskill:platform:CustomHostnames", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        host = f"customers.{args.domain}"
        record = cloudflare.DnsRecord(
            f"{name}-origin", zone_id=args.zone_id, name=host, **ORIGINLESS, proxied=True, ttl=1, opts=child
        )
        fallback = cloudflare.CustomHostnameFallbackOrigin(
            name, zone_id=args.zone_id, origin=host, opts=pulumi.ResourceOptions(parent=self, depends_on=[record])
        )
        # The route of all hosts has the domain's own in it, which is not an app's.
        apex = exempt(f"{name}-apex", args.zone_id, args.domain, child)
        cloudflare.WorkersRoute(
            f"{name}-route",
            zone_id=args.zone_id,
            pattern="*/*",
            script=args.worker,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect, depends_on=[apex, fallback]),
        )
        self.origin = fallback.origin
        self.register_outputs({"origin": self.origin})
