"""A customer's own host that leads to an app."""

from dataclasses import dataclass
from typing import Any

import pulumi

from app_stacks.cloudflare_sdk import cloudflare
from app_stacks.records import Store
from infra.outputs import CustomerHosts


@dataclass(frozen=True, kw_only=True)
class AppHostnameArgs:
    """`script` answers at `hostname`, a host of the customer's own zone."""

    hostname: str
    script: str
    customer_hosts: CustomerHosts
    store: Store


class AppHostname(pulumi.ComponentResource):
    """Outputs: `records`, what the customer has to declare, and what came of it so far:
    `{"cname": host, "ownership": {name, type, value}, "ownershipHttp": {http_url, http_body}, "status": "pending"}`.

    The certificate needs no record: it is validated over HTTP, once the host points here.
    """

    records: pulumi.Output[dict[str, Any]]

    def __init__(self, name: str, args: AppHostnameArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("overskill:apps:AppHostname", name, None, opts)
        made = cloudflare.CustomHostname(
            name,
            zone_id=args.customer_hosts.zone_id,
            hostname=args.hostname,
            # Written out as Cloudflare gives it back: otherwise the provider plans a change at every refresh.
            ssl=cloudflare.CustomHostnameSslArgs(
                method="http", type="dv", bundle_method="ubiquitous", certificate_authority="google", wildcard=False
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        # Not before Cloudflare has taken the host for this app: it may be another one's.
        after = pulumi.ResourceOptions(parent=self, depends_on=[made])
        args.store.host(f"{name}-record", args.hostname, args.script, after)
        self.records = pulumi.Output.all(
            cname=args.customer_hosts.origin,
            ownership=made.ownership_verification,
            ownershipHttp=made.ownership_verification_http,
            status=made.status,
        )
        self.register_outputs({"records": self.records})
