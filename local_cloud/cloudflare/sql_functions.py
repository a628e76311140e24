"""The functions that Cloudflare documents for Analytics Engine, in the words of DuckDB.

A template has its arguments as `{0}`, `{1}`, ... What depends on how wide an integer is is not served: `bitNot`, `bin`,
`hex`, rotations, shifts to the left.
"""

import re
from collections.abc import Mapping, Sequence

_EPOCH = "TIMESTAMP '1970-01-01'"
_DATETIME = (
    "coalesce(try_cast(CAST({0} AS VARCHAR) AS TIMESTAMP), "
    "make_timestamp(CAST(try_cast(CAST({0} AS VARCHAR) AS DOUBLE) * 1000000 AS BIGINT)))"
)
_MOST_FREQUENT = (
    "list_transform(list_slice(list_reverse_sort(list_transform(map_entries(histogram({0})), "
    "lambda e: {{'n': e.value, 'k': e.key}})), 1, {n}), lambda e: e.k)"
)
_MOST_WEIGHT = (
    "list_transform(list_slice(list_reverse_sort(list_transform(list_distinct(list({0})), lambda k: {{'n': "
    "list_sum(list_transform(list_filter(list({{'k': {0}, 'w': {1}}}), lambda s: s.k = k), lambda s: s.w)), 'k': k}}"
    ")), 1, {n}), lambda e: e.k)"
)
_QUANTILE = (
    "list_sort(flatten(list(repeat([{0}], CAST({1} AS BIGINT)))))[greatest(1, CAST(ceil(sum({1}) * {n}) AS BIGINT))]"
)

SCALARS: Mapping[str, tuple[str, ...]] = {
    "bitand": ("CAST({0} AS BIGINT) & CAST({1} AS BIGINT)",),
    "bitcount": ("CAST(bit_count(CAST({0} AS BIGINT)) AS UTINYINT)",),
    "bithammingdistance": ("CAST(bit_count(xor(CAST({0} AS BIGINT), CAST({1} AS BIGINT))) AS UTINYINT)",),
    "bitor": ("CAST({0} AS BIGINT) | CAST({1} AS BIGINT)",),
    "bitshiftright": ("CAST({0} AS BIGINT) >> CAST({1} AS INTEGER)",),
    "bittest": ("CAST((CAST({0} AS BIGINT) >> CAST({1} AS INTEGER)) & 1 AS UTINYINT)",),
    "bitxor": ("xor(CAST({0} AS BIGINT), CAST({1} AS BIGINT))",),
    "ceil": ("ceil({0})", "ceil({0} * pow(10, {1})) / pow(10, {1})"),
    "empty": ("{0} = ''",),
    "endswith": ("ends_with({0}, {1})",),
    "floor": ("floor({0})", "floor({0} * pow(10, {1})) / pow(10, {1})"),
    "if": ("CASE WHEN {0} THEN {1} ELSE {2} END",),
    "intdiv": ("CAST(floor({0} / {1}) AS BIGINT)",),
    "length": ("CAST(length({0}) AS UBIGINT)",),
    "ln": ("ln({0})",),
    "log": ("ln({0})",),
    "lower": ("lower({0})",),
    "lowerutf8": ("lower({0})",),
    "pow": ("pow({0}, {1})",),
    "round": ("round({0})", "round({0}, {1})"),
    "startswith": ("starts_with({0}, {1})",),
    "substring": ("substring({0}, {1})", "substring({0}, {1}, {2})"),
    "todatetime": (_DATETIME, f"timezone('UTC', timezone({{1}}, {_DATETIME}))"),
    "todayofmonth": ("CAST(day({0}) AS UTINYINT)",),
    "todayofweek": ("CAST(isodow({0}) AS UTINYINT)",),
    "tohour": ("CAST(hour({0}) AS UTINYINT)",),
    "tolower": ("lower({0})",),
    "tominute": ("CAST(minute({0}) AS UTINYINT)",),
    "tomonth": ("CAST(month({0}) AS UTINYINT)",),
    "tosecond": ("CAST(second({0}) AS UTINYINT)",),
    "tostartofday": ("CAST(date_trunc('day', {0}) AS TIMESTAMP)",),
    "tostartoffifteenminutes": (f"time_bucket(INTERVAL 15 MINUTE, {{0}}, {_EPOCH})",),
    "tostartoffiveminutes": (f"time_bucket(INTERVAL 5 MINUTE, {{0}}, {_EPOCH})",),
    "tostartofhour": ("date_trunc('hour', {0})",),
    "tostartofinterval": (
        f"time_bucket({{1}}, {{0}}, {_EPOCH})",
        f"timezone('UTC', timezone({{2}}, time_bucket({{1}}, timezone({{2}}, timezone('UTC', {{0}})), {_EPOCH})))",
    ),
    "tostartofminute": ("date_trunc('minute', {0})",),
    "tostartofmonth": ("CAST(date_trunc('month', {0}) AS TIMESTAMP)",),
    "tostartoftenminutes": (f"time_bucket(INTERVAL 10 MINUTE, {{0}}, {_EPOCH})",),
    "tostartofweek": ("CAST(date_trunc('week', {0}) AS TIMESTAMP)",),
    "tostartofyear": ("CAST(date_trunc('year', {0}) AS TIMESTAMP)",),
    "touint32": ("CAST(trunc(CAST({0} AS DOUBLE)) AS UINTEGER)",),
    "touint8": ("CAST(trunc(CAST({0} AS DOUBLE)) AS UTINYINT)",),
    "tounixtimestamp": ("CAST(epoch({0}) AS UINTEGER)",),
    "toupper": ("upper({0})",),
    "toyear": ("CAST(year({0}) AS USMALLINT)",),
    "toyyyymm": ("CAST(year({0}) * 100 + month({0}) AS UINTEGER)",),
    "upper": ("upper({0})",),
    "upperutf8": ("upper({0})",),
}
"""By name in lower case: a template for each number of arguments that there may be."""

AGGREGATES: Mapping[str, str] = {
    "argmax": "arg_max({0}, {1})",
    "argmin": "arg_min({0}, {1})",
    "avg": "avg({0})",
    "avgif": "avg({0}) FILTER (WHERE {1})",
    "countif": "CAST(count(*) FILTER (WHERE {0}) AS UBIGINT)",
    "first_value": "first({0})",
    "last_value": "last({0})",
    "max": "max({0})",
    "min": "min({0})",
    "quantileweighted": _QUANTILE.replace("{1}", "{2}").replace("{0}", "{1}").replace("{n}", "{0}"),
    "sum": "coalesce(sum({0}), 0)",
    "sumif": "coalesce(sum({0}) FILTER (WHERE {1}), 0)",
}

PARAMETRIC: Mapping[str, str] = {
    "quantileexactweighted": _QUANTILE,
    "topk": _MOST_FREQUENT,
    "topkweighted": _MOST_WEIGHT,
}
"""Aggregates with a parameter of their own, `{n}`, before the arguments."""

DEFAULTS: Mapping[str, str] = {"topk": "10", "topkweighted": "10"}
"""Parameters that need not be given."""

DISTINCT = frozenset({"avg", "count", "sum"})
"""Aggregates that may be of distinct values."""

_TIME_FORMATS = {
    **{code: f"%{code}" for code in "CdFHIjmpSuVwyY%"},
    **{"D": "%m/%d/%y", "F": "%Y-%m-%d", "i": "%M", "h": "%I", "M": "%B", "R": "%H:%M", "s": "%S", "T": "%H:%M:%S"},
}


def arguments(template: str) -> int:
    """How many arguments a template has."""
    return len(set(re.findall(r"\{(\d)\}", template)))


def scalar(name: str, given: Sequence[str]) -> str | None:
    """A function's call; None if there is no such function with so many arguments."""
    for template in SCALARS.get(name.lower(), ()):
        if arguments(template) == len(given):
            return f"({template.format(*given)})"
    return None


def time_format(text: str) -> str | None:
    """A format of `formatDateTime` as `strftime` takes it; None if it has a code that is not served."""
    codes = re.findall(r"%(.)", text)
    if any(code not in _TIME_FORMATS for code in codes):
        return None
    return re.sub(r"%(.)", lambda found: _TIME_FORMATS[found[1]], text)
