"""Calls as nobody would make them: every route, with bodies that are nearly right, for hypothesis to choose from."""

import ast
import inspect
import json
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from contract_service import HELLO, JAVASCRIPT
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from pydantic import BaseModel, TypeAdapter

from local_cloud import multipart
from local_cloud.call import Strict
from local_cloud.routing import Route

QUERY_NAMES = (
    "page",
    "per_page",
    "limit",
    "cursor",
    "tags",
    "name",
    "order",
    "direction",
    "force",
    "ref",
    "state",
    "q",
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)

TEXTS = ("a", "contract", "index.js", "2026-01-01", "refs/heads/main", "http://127.0.0.1:9/x")
SCALARS = {
    "string": st.sampled_from(TEXTS) | st.text(max_size=30),
    "integer": st.integers(-1, 10) | st.integers(),
    "number": st.integers(-1, 10) | st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
}
MAX_DEPTH = 6


@dataclass(frozen=True, kw_only=True)
class RandomCall:
    """`path` is percent-encoded, below the service's root."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


def calls(routes: Iterable[Route], names: list[str], fixed: Mapping[str, str]) -> SearchStrategy[RandomCall]:
    """`names` are what exists, of any kind; `fixed` are parameters that must be right for a call to get anywhere."""
    return st.one_of([_call(route, names, fixed) for route in routes])


def _call(route: Route, names: list[str], fixed: Mapping[str, str]) -> SearchStrategy[RandomCall]:
    name = st.sampled_from(names) | st.text(min_size=1, max_size=40)
    segments = [_segment(segment, name, fixed) for segment in route.segments]
    body = _body(route.handler)
    return st.builds(
        lambda parts, query, sent: RandomCall(
            method=route.method, path="/" + "/".join(parts), query=query, headers=sent[0], body=sent[1]
        ),
        st.tuples(*segments),
        st.dictionaries(st.sampled_from(QUERY_NAMES), name, max_size=2) | st.just({}),
        body if route.method != "GET" else st.just(({}, b"")),
    )


def _segment(segment: str, name: SearchStrategy[str], fixed: Mapping[str, str]) -> SearchStrategy[str]:
    if not segment.startswith("{"):
        return st.just(segment)
    right = fixed.get(segment.strip("{*}"))
    chosen = st.just(right) | st.just(right) | name if right else name
    return chosen.map(lambda value: quote(value, safe=""))


def _body(handler: Callable[..., Any]) -> SearchStrategy[tuple[dict[str, str], bytes]]:
    models = list(models_of(handler))
    json_values = st.one_of([_shaped(model) for model in models] + [VALUES])
    as_json = json_values.map(lambda value: ({"content-type": "application/json"}, json.dumps(value).encode()))
    as_form = json_values.map(_form)
    as_bytes = st.tuples(st.just({"content-type": "application/octet-stream"}), st.binary(max_size=200))
    return st.one_of(as_json, as_json, as_form, as_bytes)


def _form(metadata: Any) -> tuple[dict[str, str], bytes]:
    """An upload of the module `index.js`, described by `metadata`, which is the part `settings` as well."""
    described = json.dumps(metadata if isinstance(metadata, dict) else {"odd": metadata}).encode()
    module = multipart.Part(name="index.js", filename="index.js", content_type=JAVASCRIPT, body=HELLO.encode())
    parts = [
        multipart.Part(name=name, filename=None, content_type="application/json", body=described)
        for name in ("metadata", "settings")
    ]
    content_type, body = multipart.render([*parts, module])
    return {"content-type": content_type}, body


def models_of(function: Callable[..., Any], seen: set[object] | None = None) -> Iterator[type[Strict]]:
    """The bodies' models that a handler, or a function of its module that it calls, names."""
    seen = set() if seen is None else seen
    seen.add(function)
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    for name in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}:
        found = function.__globals__.get(name)
        if not callable(found) or found in seen:
            continue
        if inspect.isclass(found) and issubclass(found, Strict):
            seen.add(found)
            yield found
        elif inspect.isfunction(found) and found.__module__.startswith("local_cloud"):
            yield from models_of(found, seen)


def _shaped(model: type[BaseModel]) -> SearchStrategy[Any]:
    """What the model takes, with a field missing, odd or too many now and then."""
    schema = TypeAdapter(model).json_schema(by_alias=True)
    return _value(schema, schema.get("$defs", {}), 0)


def _value(schema: Any, defs: Mapping[str, Any], depth: int) -> SearchStrategy[Any]:
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return VALUES
    options = (
        [defs[schema["$ref"].rpartition("/")[2]]] if "$ref" in schema else schema.get("anyOf", schema.get("oneOf"))
    )
    if options:
        return st.one_of([_value(option, defs, depth + 1) for option in options])
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")])) | VALUES
    if "properties" in schema:
        return _object(schema, {key: _value(inner, defs, depth + 1) for key, inner in schema["properties"].items()})
    if schema.get("type") == "array":
        return st.lists(_value(schema.get("items"), defs, depth + 1), max_size=3)
    return SCALARS.get(schema.get("type", ""), VALUES)


def _object(schema: Mapping[str, Any], fields: Mapping[str, SearchStrategy[Any]]) -> SearchStrategy[Any]:
    required = set(schema.get("required", ()))
    exact = st.fixed_dictionaries(
        {key: value for key, value in fields.items() if key in required},
        optional={key: value for key, value in fields.items() if key not in required},
    )
    return exact | exact | st.fixed_dictionaries({}, optional={**fields, "unheard_of": VALUES})
