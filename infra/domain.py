"""The wildcard domain: `*.{domain}` reaches the dispatch Worker, but for the hosts that are somebody else's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi
import pulumi_cloudflare as cloudflare

from infra.platform_config import PlatformConfig

ORIGINLESS: dict[str, Any] = {"type": "AAAA", "content": "100::"}
"""A host without an origin: Cloudflare proxies it, and a Worker answers. The address is RFC 6666's discard prefix."""


@dataclass(frozen=True, kw_only=True)
class DomainArgs:
    """`zone` is the name of the zone that holds `domain`; `target` the dispatch Worker's workers.dev host.

    `record`: whether the wildcard leads there by name, or nowhere. `exempt_hosts` are labels below the domain.
    `protect` keeps Pulumi from deleting the wildcard and the route.
    """

    zone: str
    domain: str
    worker: pulumi.Input[str]
    record: Literal["cname", "originless"]
    target: str
    exempt_hosts: Sequence[str]
    protect: bool

    @classmethod
    def of(cls, platform: PlatformConfig, *, worker: pulumi.Input[str]) -> "DomainArgs":
        return cls(
            zone=platform.zone_name,
            domain=platform.domain,
            worker=worker,
            record=platform.wildcard_record,
            target=f"{platform.origins.worker}.{platform.workers_dev_subdomain}.workers.dev",
            exempt_hosts=platform.exempt_hosts,
            protect=platform.protected,
        )


class Domain(pulumi.ComponentResource):
    """Outputs: `zone_id`, and `pattern`, the route that leads every first-level subdomain to the dispatch Worker."""

    zone_id: pulumi.Output[str]
    pattern: pulumi.Output[str]

    def __init__(self, name: str, args: DomainArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("overskill:platform:Domain", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.zone_id = cloudflare.get_zone_output(
            filter={"name": args.zone}, opts=pulumi.InvokeOutputOptions(parent=self)
        ).zone_id
        content = {"type": "CNAME", "content": args.target} if args.record == "cname" else ORIGINLESS
        cloudflare.DnsRecord(
            f"{name}-wildcard",
            zone_id=self.zone_id,
            # Written out in full, and without settings: otherwise the provider plans a change at every refresh.
            name=f"*.{args.domain}",
            **content,
            proxied=True,
            ttl=1,
            # A host has no CNAME beside another record: the new kind is refused as long as the old one is there.
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect, delete_before_replace=True),
        )
        exempted = [
            exempt(f"{name}-exempt-{host}", self.zone_id, f"{host}.{args.domain}", child) for host in args.exempt_hosts
        ]
        route = cloudflare.WorkersRoute(
            f"{name}-route",
            zone_id=self.zone_id,
            pattern=f"*.{args.domain}/*",
            script=args.worker,
            # The last to come and the first to go: a destroy of a protected stack stops here, before anything is gone.
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect, depends_on=exempted),
        )
        self.pattern = route.pattern
        self.register_outputs({"zone_id": self.zone_id, "pattern": self.pattern})


def exempt(name: str, zone_id: pulumi.Input[str], host: str, opts: pulumi.ResourceOptions) -> cloudflare.WorkersRoute:
    """A route without a script: it keeps `host` from every wider route, for what else there is at that host."""
    return cloudflare.WorkersRoute(name, zone_id=zone_id, pattern=f"{host}/*", opts=opts)
