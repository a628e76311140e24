"""From the tree of a query to DuckDB's SQL, part by part: what has no translation here never reaches the engine."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import singledispatchmethod
from typing import ClassVar

from sqlglot import exp
from sqlglot.dialects.clickhouse import ClickHouse

from local_cloud.cloudflare import sql_functions as functions

TABLE = "points"
"""The name by which the engine has the one dataset of a query."""

_OPERATORS: Mapping[type[exp.Expression], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.And: "AND",
    exp.Or: "OR",
    exp.Like: "LIKE",
    exp.ILike: "ILIKE",
}
_UNITS = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")
_CLAUSES = ("from_", "where", "group", "having", "order", "limit", "offset")


class SqlError(ValueError):
    """The query is not served; the message says which part of it."""


class Dialect(ClickHouse):
    """ClickHouse's syntax alone: a function is a name and its arguments."""

    class Parser(ClickHouse.Parser):
        FUNCTIONS: ClassVar[dict] = {}
        FUNCTION_PARSERS: ClassVar[dict] = {
            name: parser
            for name, parser in ClickHouse.Parser.FUNCTION_PARSERS.items()
            if name in {"EXTRACT", "POSITION"}
        }
        NO_PAREN_FUNCTIONS: ClassVar[dict] = {}
        NO_PAREN_FUNCTION_PARSERS: ClassVar[dict] = {}


class Translation:
    """From a tree to the engine's SQL. All of a query has the same `now`."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC)

    def select(self, node: exp.Select) -> str:
        for name, value in node.args.items():
            if value and name != "expressions" and name not in _CLAUSES:
                raise unserved(name.strip("_").upper())
        parts = [f"SELECT {', '.join(self._selected(column) for column in node.expressions)}"]
        for name in _CLAUSES:
            if value := node.args.get(name):
                parts.append(getattr(self, f"_{name.strip('_')}")(value))
        return " ".join(filter(None, parts))

    def _selected(self, node: exp.Expression) -> str:
        match node:
            case exp.Star() if not _given(node):
                return "*"
            case exp.Alias():
                return f"{self.expression(node.this)} AS {_quoted(node.alias)}"
            case exp.Column():
                return self.expression(node)
            case _:
                return f"{self.expression(node)} AS {_quoted(node.sql(dialect=Dialect))}"

    def _from(self, node: exp.From) -> str:
        match node.this:
            case exp.Table(this=exp.Identifier()) as table if _given(table) == {"this"}:
                return f"FROM {TABLE}"
            case exp.Subquery(this=exp.Select() as inner) as outer if _given(outer) == {"this"}:
                return f"FROM ({self.select(inner)})"
        raise unserved(node.sql(dialect=Dialect))

    def _where(self, node: exp.Where) -> str:
        return f"WHERE {self.expression(node.this)}"

    def _having(self, node: exp.Having) -> str:
        return f"HAVING {self.expression(node.this)}"

    def _group(self, node: exp.Group) -> str:
        if _given(node) != {"expressions"}:
            raise unserved(node.sql(dialect=Dialect))
        return f"GROUP BY {', '.join(self.expression(one) for one in node.expressions)}"

    def _order(self, node: exp.Order) -> str:
        return f"ORDER BY {', '.join(self._ordered(one) for one in node.expressions)}"

    def _ordered(self, node: exp.Ordered) -> str:
        return f"{self.expression(node.this)} {'DESC' if node.args.get('desc') else 'ASC'}"

    def _limit(self, node: exp.Limit) -> str:
        if _given(node) != {"expression"}:
            raise unserved(node.sql(dialect=Dialect))
        every = isinstance(node.expression, exp.Column) and node.expression.name.upper() == "ALL"
        return "" if every else f"LIMIT {_whole(node.expression)}"

    def _offset(self, node: exp.Offset) -> str:
        return f"OFFSET {_whole(node.expression)}"

    @singledispatchmethod
    def expression(self, node: exp.Expression) -> str:
        """Raises `SqlError` for a node that has no translation."""
        raise unserved(node.sql(dialect=Dialect))

    @expression.register
    def _(self, node: exp.Binary) -> str:
        operator = _OPERATORS.get(type(node))
        if operator is None:
            raise unserved(node.sql(dialect=Dialect))
        negated = "NOT " if node.args.get("negate") else ""
        return f"({self.expression(node.this)} {negated}{operator} {self.expression(node.expression)})"

    @expression.register
    def _(self, node: exp.Literal) -> str:
        return literal(node.this) if node.is_string else _number(node.this)

    @expression.register
    def _(self, node: exp.Boolean) -> str:
        return str(node.this).lower()

    @expression.register
    def _(self, node: exp.Column) -> str:
        if node.table or isinstance(node.this, exp.Star):
            raise unserved(node.sql(dialect=Dialect))
        return _quoted(node.name)

    @expression.register
    def _(self, node: exp.Paren) -> str:
        return self.expression(node.this)

    @expression.register
    def _(self, node: exp.Neg) -> str:
        return f"(- {self.expression(node.this)})"

    @expression.register
    def _(self, node: exp.Not) -> str:
        return f"(NOT {self.expression(node.this)})"

    @expression.register
    def _(self, node: exp.In) -> str:
        if _given(node) != {"this", "expressions"}:
            raise unserved(node.sql(dialect=Dialect))
        return f"({self.expression(node.this)} IN ({', '.join(self.expression(one) for one in node.expressions)}))"

    @expression.register
    def _(self, node: exp.Between) -> str:
        low, high = (self.expression(node.args[bound]) for bound in ("low", "high"))
        return f"({self.expression(node.this)} BETWEEN {low} AND {high})"

    @expression.register
    def _(self, node: exp.Interval) -> str:
        return f"INTERVAL {_whole(node.this)} {_unit(node.unit)}"

    @expression.register
    def _(self, node: exp.Extract) -> str:
        return f"CAST(extract({_unit(node.this)} FROM {self.expression(node.expression)}) AS USMALLINT)"

    @expression.register
    def _(self, node: exp.StrPosition) -> str:
        if _given(node) != {"this", "substr"}:
            raise unserved(node.sql(dialect=Dialect))
        return f"CAST(strpos({self.expression(node.this)}, {self.expression(node.args['substr'])}) AS UBIGINT)"

    @expression.register
    def _(self, node: exp.ParameterizedAgg) -> str:
        return self._aggregate(str(node.this), node.args["params"], _number(node.expressions[0].name))

    @expression.register(exp.Anonymous)
    @expression.register(exp.AnonymousAggFunc)
    @expression.register(exp.CombinedAggFunc)
    def _(self, node: exp.Expression) -> str:
        name, given = str(node.this), node.expressions
        if (special := getattr(self, f"_call_{name.lower()}", None)) and (call := special(given)):
            return call
        if name.lower() in functions.PARAMETRIC:
            return self._aggregate(name, given, functions.DEFAULTS.get(name.lower()))
        if name.lower() in functions.AGGREGATES:
            return self._aggregate(name, given, None)
        if call := functions.scalar(name, [self.expression(one) for one in given]):
            return call
        raise unserved(f"function {name} with {len(given)} arguments")

    def _call_now(self, given: Sequence[exp.Expression]) -> str | None:
        return None if given else f"TIMESTAMP '{self._now:%Y-%m-%d %H:%M:%S}'"

    def _call_today(self, given: Sequence[exp.Expression]) -> str | None:
        return None if given else f"DATE '{self._now:%Y-%m-%d}'"

    def _call_count(self, given: Sequence[exp.Expression]) -> str | None:
        match given:
            case []:
                return "CAST(count(*) AS UBIGINT)"
            case [exp.Distinct(expressions=[column])]:
                return f"CAST(count(DISTINCT {self.expression(column)}) AS UBIGINT)"
        return None

    def _call_format(self, given: Sequence[exp.Expression]) -> str | None:
        return f"format({', '.join(f'CAST({self.expression(value)} AS VARCHAR)' for value in given)})"

    def _call_formatdatetime(self, given: Sequence[exp.Expression]) -> str | None:
        match given:
            case [moment, exp.Literal(is_string=True) as pattern]:
                shown = self.expression(moment)
            case [moment, exp.Literal(is_string=True) as pattern, zone]:
                shown = f"timezone({self.expression(zone)}, timezone('UTC', {self.expression(moment)}))"
            case _:
                return None
        if (translated := functions.time_format(pattern.name)) is None:
            raise unserved(f"format {pattern.name!r}")
        return f"strftime({shown}, {literal(translated)})"

    def _aggregate(self, name: str, given: Sequence[exp.Expression], parameter: str | None) -> str:
        template = (functions.AGGREGATES if parameter is None else functions.PARAMETRIC).get(name.lower())
        distinct = ""
        if len(given) == 1 and isinstance(given[0], exp.Distinct) and name.lower() in functions.DISTINCT:
            distinct, given = "DISTINCT ", given[0].expressions
        if template is None or functions.arguments(template) != len(given):
            raise unserved(f"function {name} with {len(given)} arguments")
        texts = [self.expression(one) for one in given]
        return template.format(*[distinct + texts[0], *texts[1:]], n=parameter)


def _given(node: exp.Expression) -> set[str]:
    """Which parts of a node there are."""
    return {name for name, value in node.args.items() if value}


def _unit(node: exp.Expression | None) -> str:
    if node is None or node.name.upper() not in _UNITS:
        raise unserved(f"unit {node.name if node else 'none'}")
    return node.name.upper()


def _whole(node: exp.Expression) -> str:
    """A whole number, quoted or not."""
    if not isinstance(node, exp.Literal) or not node.name.isdecimal():
        raise unserved(f"{node.sql(dialect=Dialect)} where a whole number has to be")
    return node.name


def _number(text: str) -> str:
    """The engine reads `1.5` as a decimal, and ClickHouse as a double."""
    return text if text.isdecimal() else f"CAST({literal(text)} AS DOUBLE)"


def literal(text: str) -> str:
    """A text in the engine's SQL."""
    return "'" + text.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def unserved(part: str) -> SqlError:
    """The refusal of a part of a query."""
    return SqlError(f"unsupported: {part} is not in Cloudflare's SQL reference of Analytics Engine, or not served here")
