"""How long the real services take, by kind of call: a log-normal spread between what was seen."""

import math
from dataclasses import dataclass
from statistics import NormalDist

P95 = NormalDist().inv_cdf(0.95)
MOST = 3.0
"""Standard deviations from the median: nothing is faster or slower."""


@dataclass(frozen=True, kw_only=True)
class Latency:
    """In seconds: half of the calls take less than `median`, 5% more than `p95`. `source` is where both are from."""

    service: str
    kind: str
    median: float
    p95: float
    source: str

    def seconds(self, chance: float) -> float:
        """The time that a call takes, for an even `chance` from 0 up to 1."""
        deviations = max(-MOST, min(MOST, NormalDist().inv_cdf(chance or 1e-9)))
        return self.median * math.exp(deviations * math.log(self.p95 / self.median) / P95)


_GIST = "10,000 calls of GitHub's API by bl.ocks.org: log-normal, median 206 ms, 5% above 1 s, lists the slower ones"
_TERRAFORM = "published Terraform runs: a DNS record is made in 1 to 10 s, which takes two calls"
_WRANGLER = "eight published wrangler deploys: 'Uploaded' after 1.2 to 10.6 s, which is this and about six reads"
_MERGIFY = "Mergify's measurements of April 2026: 95% within 60 s in steady state; 40 minutes in incidents"

LATENCIES = (
    Latency(service="cloudflare", kind="read", median=0.25, p95=1.0, source=f"what is left of: {_WRANGLER}"),
    Latency(service="cloudflare", kind="list", median=0.35, p95=1.2, source="estimated: a read and half as much again"),
    Latency(service="cloudflare", kind="write", median=0.5, p95=2.5, source=_TERRAFORM),
    Latency(service="cloudflare", kind="upload", median=2.5, p95=6.0, source=_WRANGLER),
    Latency(service="github", kind="read", median=0.2, p95=1.0, source=_GIST),
    Latency(service="github", kind="list", median=0.4, p95=1.5, source=_GIST),
    Latency(service="github", kind="write", median=0.5, p95=2.0, source="estimated; GitHub asks for 1 s between two"),
    Latency(service="github", kind="webhook", median=2.0, p95=30.0, source=_MERGIFY),
)
_BY_KIND = {(latency.service, latency.kind): latency for latency in LATENCIES}


def latency_of(service: str, kind: str) -> Latency:
    """The row of the table; a kind that a service has none for is a write."""
    return _BY_KIND.get((service, kind)) or _BY_KIND[service, "write"]


def kind_of(method: str, template: str, content_type: str) -> str:
    """Which kind a call is. A GET of what has no name of its own (`/zones`, but `/subdomain` too) is a list."""
    if method in {"GET", "HEAD"}:
        return "read" if template.endswith("}") else "list"
    return "upload" if content_type.startswith("multipart/") else "write"
