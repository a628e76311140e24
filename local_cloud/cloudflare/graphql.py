"""The GraphQL Analytics API: a query in, `{data, errors}` out. `graphql_schema.py` says what there is to ask."""

import re
from datetime import UTC, datetime
from typing import Any

from graphql import GraphQLError, execute_sync, parse, specified_rules, validate
from graphql.validation import VariablesInAllowedPositionRule

from local_cloud.call import Answer, Call, Strict
from local_cloud.cloudflare.graphql_schema import NOT_AUTHORIZED, SCHEMA
from local_cloud.routing import RouteTable

routes = RouteTable(permission="Account Analytics")

_MESSAGES = (
    (r"Cannot query field '(\w+)'.*", r"unknown field \1"),
    (r"Field '(\w+)' must not have a selection.*", r"scalar fields must have no selections: \1"),
    (r"Field '(\w+)' of type .* must have a selection.*", r"object field must have selections: \1"),
    (r"((?:Unknown argument|Field|Value|Enum|Variable|Expected|Argument)\b.*)", r"error parsing args: \1"),
)
"""From graphql-core's messages to the beginnings of Cloudflare's."""
_RULES = [rule for rule in specified_rules if rule is not VariablesInAllowedPositionRule]
"""Whatever a variable is declared as, it is its value that counts."""


class Request(Strict):
    query: str
    variables: dict[str, Any] | None = None
    operationName: str | None = None


@routes.on("POST", "/graphql")
def post_graphql(call: Call) -> Answer:
    """`{data, errors}`, without an envelope: `errors` is null, or `[{message, path, extensions: {timestamp}}]`."""
    sent = call.json(Request)
    try:
        document = parse(sent.query)
    except GraphQLError as error:
        return _refused([error])
    if wrong := validate(SCHEMA, document, _RULES):
        return _refused(wrong)
    done = execute_sync(
        SCHEMA, document, context_value=call, variable_values=sent.variables, operation_name=sent.operationName
    )
    return _refused(done.errors) if done.errors else Answer(body={"data": done.data, "errors": None})


def _refused(errors: list[GraphQLError]) -> Answer:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    listed = [
        {
            "message": _message(error.message),
            "path": [str(step) for step in error.path] if error.path else None,
            "extensions": {"timestamp": now},
        }
        for error in errors
    ]
    status = 403 if any(error.message == NOT_AUTHORIZED for error in errors) else 400
    return Answer(status=status, body={"data": None, "errors": listed})


def _message(text: str) -> str:
    for pattern, message in _MESSAGES:
        if found := re.fullmatch(pattern, text, re.DOTALL):
            return found.expand(message)
    return text
