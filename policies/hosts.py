"""Which hosts reach the platform: its own, and no one else's."""

import re

from pulumi_policy import ReportViolation, ResourceValidationArgs, ResourceValidationPolicy

RECORD = "cloudflare:index/dnsRecord:DnsRecord"
RECORD_TYPES = (RECORD, "cloudflare:index/record:Record")
"""With the name that the type had before."""

ROUTE = "cloudflare:index/workersRoute:WorkersRoute"

_GREEDY = re.compile(r"(?:https?://)?\*[^./]")


def wildcard_is_proxied(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type in RECORD_TYPES and args.props["name"].startswith("*") and not args.props.get("proxied"):
        report(f"wildcard record {args.props['name']} is not proxied: no Worker would see a request")


def route_stays_below_the_domain(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type == ROUTE and _GREEDY.match(args.props["pattern"]):
        pattern = args.props["pattern"]
        report(f"route {pattern} also takes hosts that only end alike, x{pattern.partition('*')[2]} for one: write *.")


HOSTS = [
    ResourceValidationPolicy(
        name="wildcard-proxied", description="A wildcard record is proxied.", validate=wildcard_is_proxied
    ),
    ResourceValidationPolicy(
        name="route-below-domain", description="No route is *domain/*.", validate=route_stays_below_the_domain
    ),
]
