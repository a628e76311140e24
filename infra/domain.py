"""The wildcard domain: `*.{domain}` reaches the dispatch Worker."""

from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare


@dataclass(frozen=True, kw_only=True)
class DomainArgs:
    """`target` is the dispatch Worker's workers.dev host; `zone` the name of the zone that holds `domain`."""

    zone: str
    domain: str
    worker: pulumi.Input[str]
    target: str


class Domain(pulumi.ComponentResource):
    """Outputs: `pattern`, the route that leads every first-level subdomain to the dispatch Worker."""

    pattern: pulumi.Output[str]

    def __init__(self, name: str, args: DomainArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("overskill:platform:Domain", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        zone_id = cloudflare.get_zone_output(
            filter={"name": args.zone}, opts=pulumi.InvokeOutputOptions(parent=self)
        ).zone_id
        # The name is written out in full: with the short form the provider plans a change at every refresh.
        cloudflare.DnsRecord(
            f"{name}-wildcard",
            zone_id=zone_id,
            name=f"*.{args.domain}",
            type="CNAME",
            content=args.target,
            proxied=True,
            ttl=1,
            opts=child,
        )
        route = cloudflare.WorkersRoute(
            f"{name}-route", zone_id=zone_id, pattern=f"*.{args.domain}/*", script=args.worker, opts=child
        )
        self.pattern = route.pattern
        self.register_outputs({"pattern": self.pattern})
