"""What the dispatch Worker told of an hour: its data points, `dispatch_worker/src/usage.js`, added up by Cloudflare.

Analytics Engine keeps one of so many points when there are many: each stands for `_sample_interval` of them.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from control_plane.usage.analytics import AnalyticsApi
from control_plane.usage.tables import NO_APP

PAGE = 10_000
"""Rows of one answer."""

REACHED = ("served", "app-exception", "app-limit")
"""Outcomes with which a script ran."""
ERRORS = ("app-exception", "app-limit", "platform-fault", "no-namespace")

EGRESS = "egress-"
"""Begins what the outbound Worker tells, in the same dataset, of requests that an app makes."""

HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Dispatched:
    """An app in one app environment, in an hour. `sample_interval`: the largest of its points; 1: all were kept."""

    app_id: str
    environment: str
    requests: int
    dispatched: int
    errors: int
    bytes_in: int
    bytes_out: int
    sample_interval: int


def dispatched(api: AnalyticsApi, account_id: str, dataset: str, hour: dt.datetime) -> Iterator[Dispatched]:
    """What there is of one hour; what was asked for where no app is is `NO_APP`'s. Raises `CloudflareError`."""
    after = ""
    while True:
        rows = [_dispatched(row) for row in api.rows(account_id, _query(dataset, hour, after))]
        if len(rows) < PAGE:
            yield from rows
            return
        after = rows[-1].app_id  # whose other app environments may be on the next page
        yield from (row for row in rows if row.app_id != after)


def _query(dataset: str, hour: dt.datetime, first: str) -> str:
    """Names and times are the platform's own; an app id is quoted, since a data point may have anything."""
    columns = {
        "app": f"if(blob3 = 'no-app', '{NO_APP}', index1)",
        "environment": "if(blob3 = 'no-app', '', blob2)",
        "requests": "sum(_sample_interval * double1)",
        "dispatched": f"sumIf(_sample_interval * double1, blob3 IN ({_listed(REACHED)}))",
        "errors": f"sumIf(_sample_interval * double1, blob3 IN ({_listed(ERRORS)}))",
        "bytes_in": "sum(_sample_interval * double3)",
        "bytes_out": "sum(_sample_interval * double4)",
        "sample_interval": "max(_sample_interval)",
    }
    selected = ", ".join(f"{value} AS {name}" for name, value in columns.items())
    return (
        f"SELECT {selected} FROM {dataset} "  # noqa: S608 - see above
        f"WHERE timestamp >= toDateTime('{hour:%Y-%m-%d %H:%M:%S}') "
        f"AND timestamp < toDateTime('{hour + HOUR:%Y-%m-%d %H:%M:%S}') AND NOT (blob3 LIKE '{EGRESS}%') "
        f"GROUP BY app, environment HAVING app >= {_quoted(first)} ORDER BY app, environment LIMIT {PAGE}"
    )


def _dispatched(row: dict[str, Any]) -> Dispatched:
    numbers = {name: round(float(value)) for name, value in row.items() if name not in ("app", "environment")}
    return Dispatched(app_id=row["app"], environment=row["environment"], **numbers)


def _listed(texts: tuple[str, ...]) -> str:
    return ", ".join(map(_quoted, texts))


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
