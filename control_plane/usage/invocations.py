"""What Cloudflare itself counted of an hour: invocations of the scripts and of the platform's own Workers.

Source: https://developers.cloudflare.com/analytics/graphql-api/tutorials/querying-workers-metrics/
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from control_plane.usage.analytics import AnalyticsApi
from control_plane.usage.dispatched import HOUR
from control_plane.usage.tables import NO_APP
from infra.names import parse_script

PAGE = 10_000
"""Groups of one answer: the most that Cloudflare gives."""

Place = tuple[str, str]
"""An app, and its app environment."""

QUERY = f"""
query ($account: string!, $from: Time!, $until: Time!, $after: string!, $namespaces: [string!]!) {{
  viewer {{ accounts(filter: {{accountTag: $account}}) {{
    workersInvocationsAdaptive(limit: {PAGE}, orderBy: [scriptName_ASC], filter: {{
      datetime_geq: $from, datetime_lt: $until, dispatchNamespaceName_in: $namespaces, scriptName_gt: $after
    }}) {{ sum {{ requests cpuTimeUs }} dimensions {{ dispatchNamespaceName scriptName }} }}
  }} }}
}}
"""
"""A script's name says its namespace too, so pages are told apart by it alone."""

NO_NAMESPACE = ""
"""Where account Workers are."""


@dataclass
class Invocations:
    """By app and app environment; CPU time in microseconds. `entered`: invocations of the dispatch Worker."""

    requests: Counter[Place] = field(default_factory=Counter)
    cpu_us: Counter[Place] = field(default_factory=Counter)
    entered: int = 0


def invocations(
    api: AnalyticsApi, account_id: str, namespaces: Sequence[str], workers: Sequence[str], hour: dt.datetime
) -> Invocations:
    """Those of an hour in the namespaces, and of the platform's Workers, the dispatch Worker first.

    What the latter took is nobody's. Raises `CloudflareError`.
    """
    found = Invocations()
    for namespace, name, counted in _scripts(api, account_id, [*namespaces, NO_NAMESPACE], hour):
        if namespace == NO_NAMESPACE:
            if name in workers:
                found.cpu_us[NO_APP, ""] += counted["cpuTimeUs"]
            if name == workers[0]:
                found.entered = counted["requests"]
            continue
        script = parse_script(name)
        place = (script.app_id, script.environment) if script else (NO_APP, "")
        found.requests[place] += counted["requests"]
        found.cpu_us[place] += counted["cpuTimeUs"]
    return found


def _scripts(
    api: AnalyticsApi, account_id: str, namespaces: Sequence[str], hour: dt.datetime
) -> Iterator[tuple[str, str, Mapping[str, int]]]:
    """Namespace, name and sums of each script that ran."""
    times, after = {"from": f"{hour:%Y-%m-%dT%H:%M:%SZ}", "until": f"{hour + HOUR:%Y-%m-%dT%H:%M:%SZ}"}, ""
    while True:
        groups: list[dict[str, Any]] = api.account(QUERY, account_id, **times, after=after, namespaces=namespaces)[
            "workersInvocationsAdaptive"
        ]
        for group in groups:
            names = group["dimensions"]
            yield names["dispatchNamespaceName"], names["scriptName"], group["sum"]
        if len(groups) < PAGE:
            return
        after = groups[-1]["dimensions"]["scriptName"]
