"""Analytics Engine's SQL, read as Cloudflare documents it, and put into the words of DuckDB.

sqlglot reads the query in ClickHouse's dialect, with no function known to it. Every part of the tree is then translated
by name: what is not in `sql_functions.py` or `sql_translation.py` is refused.
"""

from dataclasses import dataclass

from sqlglot import ErrorLevel, ParseError, TokenError, exp

from local_cloud.cloudflare.sql_translation import Dialect, SqlError, Translation, unserved

FORMATS = ("JSON", "JSONEachRow", "TabSeparated")


@dataclass(frozen=True, kw_only=True)
class Query:
    """What the engine runs. `dataset` None: it reads none. `format` is one of `FORMATS`."""

    sql: str
    dataset: str | None
    format: str


@dataclass(frozen=True, kw_only=True)
class Show:
    """`SHOW TABLES`, `SHOW TIMEZONES` or `SHOW TIMEZONE`."""

    what: str
    format: str


def parse(query: str) -> Query | Show:
    """Raises `SqlError`."""
    words = query.strip().rstrip(";").split()
    if words and words[0].upper() == "SHOW":
        return _show(words)
    try:
        statements = Dialect().parse(query, error_level=ErrorLevel.IMMEDIATE)
    except (ParseError, TokenError) as error:
        raise SqlError(f"cannot parse the query: {str(error).splitlines()[0]}") from None
    statements = [statement for statement in statements if statement is not None]
    if len(statements) != 1 or not isinstance(statements[0], exp.Select):
        raise SqlError("a query is one SELECT or SHOW statement")
    select = statements[0]
    format_name = _format(select.args["format"].name) if select.args.get("format") else FORMATS[0]
    select.set("format", None)
    datasets = {table.name for table in select.find_all(exp.Table)}
    if len(datasets) > 1:
        raise SqlError("queries can only operate on a single table")
    return Query(sql=Translation().select(select), dataset=next(iter(datasets), None), format=format_name)


def _show(words: list[str]) -> Show:
    what, rest = " ".join(words[1:2]).upper(), words[2:]
    if what not in {"TABLES", "TIMEZONE", "TIMEZONES"}:
        raise unserved(f"SHOW {what}")
    if rest and (len(rest) != 2 or rest[0].upper() != "FORMAT"):
        raise unserved(" ".join(rest))
    return Show(what=what, format=_format(rest[1]) if rest else FORMATS[0])


def _format(name: str) -> str:
    for known in FORMATS:
        if known.lower() == name.lower():
            return known
    raise SqlError(f"FORMAT {name}: must be one of {', '.join(FORMATS)}")
