"""What the GraphQL Analytics API can be asked: invocations of Workers. Types have the names that Cloudflare's have.

Clients declare variables as `string` or `String`, and times as either of them or as `Time`.
"""

from datetime import UTC, datetime
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLError,
    GraphQLField,
    GraphQLFloat,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    SelectionSetNode,
)

from local_cloud.cloudflare.invocation_groups import (
    DIMENSIONS,
    LISTS,
    MAX_LIMIT,
    OPERATORS,
    ORDERS,
    QUANTILES,
    SUMS,
    groups,
)
from local_cloud.invocations import between

NOT_AUTHORIZED = "not authorized for that account"

_DATASET = "AccountWorkersInvocationsAdaptive"


def _accounts(_: Any, info: GraphQLResolveInfo[Any], filter: dict[str, str]) -> list[dict[str, str]]:
    if filter["accountTag"] != info.context.cloud.settings.account:
        raise GraphQLError(NOT_AUTHORIZED)
    return [filter]


def _invocations(_: Any, info: GraphQLResolveInfo[Any], limit: int, **given: Any) -> list[dict[str, Any]]:
    if not 0 < limit <= MAX_LIMIT:
        raise GraphQLError(f"limit must be positive number and not greater than {MAX_LIMIT}")
    wanted = given.get("filter", {})
    selected = [node.selection_set for node in info.field_nodes if node.selection_set]
    asked = _names(selected, "dimensions", info)
    start = _seconds(max((wanted[name] for name in ("datetime_geq", "datetime_gt") if name in wanted), default=None), 0)
    end = _seconds(
        min((wanted[name] for name in ("datetime_leq", "datetime_lt") if name in wanted), default=None), 2**40
    )
    counted = between(info.context.store, start, end)
    return groups(counted, asked, wanted, given.get("orderBy", ()))[:limit]


def _names(selected: list[SelectionSetNode], field: str, info: GraphQLResolveInfo[Any]) -> list[str]:
    """What is selected below `field`, each name once."""
    below = [node.selection_set for node in _fields(selected, info) if node.name.value == field and node.selection_set]
    names = [node.name.value for node in _fields(below, info)]
    return [name for name in dict.fromkeys(names) if name in DIMENSIONS]


def _fields(selected: list[SelectionSetNode], info: GraphQLResolveInfo[Any]) -> list[FieldNode]:
    """The fields of selections, through fragments."""
    found: list[FieldNode] = []
    for node in (node for selection in selected for node in selection.selections):
        if isinstance(node, FieldNode):
            found.append(node)
        else:
            inner = info.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            found += _fields([inner.selection_set], info)
    return found


def _seconds(time: str | None, otherwise: int) -> int:
    return int(datetime.fromisoformat(time).timestamp()) if time else otherwise


def _moment(value: Any) -> str:
    """A time in the form that all are compared in."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise GraphQLError(f"Expected a time such as 2026-11-01T00:00:00Z, not {value!r}") from None
    utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%SZ")


_TIME = GraphQLScalarType("Time", parse_value=_moment)
_TEXT = GraphQLScalarType("string")


def _filter() -> dict[str, GraphQLInputField]:
    fields = {}
    for name in DIMENSIONS:
        kind = _TIME if name.startswith("datetime") else _TEXT
        for operator in OPERATORS:
            fields[f"{name}{operator}"] = GraphQLInputField(GraphQLList(kind) if operator in LISTS else kind)
    return fields


def _object(suffix: str, names: Any, kind: Any) -> GraphQLField:
    fields = {name: GraphQLField(kind) for name in names}
    return GraphQLField(GraphQLObjectType(f"{_DATASET}{suffix}", fields))


_GROUP = GraphQLObjectType(
    _DATASET,
    {
        "dimensions": _object("Dimensions", DIMENSIONS, _TEXT),
        "sum": _object("Sum", SUMS, GraphQLScalarType("uint64")),
        "quantiles": _object("Quantiles", QUANTILES, GraphQLFloat),
    },
)
_ARGUMENTS = {
    "limit": GraphQLArgument(GraphQLNonNull(GraphQLInt)),
    "filter": GraphQLArgument(GraphQLInputObjectType(f"{_DATASET}Filter_InputObject", _filter)),
    "orderBy": GraphQLArgument(
        GraphQLList(GraphQLEnumType(f"{_DATASET}OrderBy", {name: GraphQLEnumValue(name) for name in ORDERS}))
    ),
}
_ACCOUNT = GraphQLObjectType(
    "account",
    {
        "workersInvocationsAdaptive": GraphQLField(
            GraphQLNonNull(GraphQLList(GraphQLNonNull(_GROUP))), args=_ARGUMENTS, resolve=_invocations
        )
    },
)
_ACCOUNT_FILTER = GraphQLInputObjectType(
    "AccountFilter_InputObject", {"accountTag": GraphQLInputField(GraphQLNonNull(_TEXT))}
)
_VIEWER = GraphQLObjectType(
    "viewer",
    {
        "accounts": GraphQLField(
            GraphQLNonNull(GraphQLList(GraphQLNonNull(_ACCOUNT))),
            args={"filter": GraphQLArgument(GraphQLNonNull(_ACCOUNT_FILTER))},
            resolve=_accounts,
        )
    },
)
SCHEMA = GraphQLSchema(
    GraphQLObjectType("Query", {"viewer": GraphQLField(GraphQLNonNull(_VIEWER), resolve=lambda *_: {})}),
    types=[GraphQLString, _TIME, _TEXT, GraphQLScalarType("Date", parse_value=str)],
)
