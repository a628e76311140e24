"""GitHub's published description of its API (OpenAPI 3.0), and where an answer is not as it says."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

SCHEMAS = "#/components/schemas/"
CLOSED, OPEN = "closed", "open"
"""The two readings of a shape: by itself, and as a part of another, which may have more."""
ERROR = {"$ref": f"{SCHEMAS}basic-error"}
"""What an error looks like where a call's own description names none of that status."""

formats = FormatChecker(formats=())


@formats.checks("date-time", raises=ValueError)
def _is_time(value: Any) -> bool:
    return not isinstance(value, str) or bool(datetime.fromisoformat(value))


@formats.checks("uri")
def _is_uri(value: Any) -> bool:
    return not isinstance(value, str) or bool(urlsplit(value).scheme)


class Description:
    """The calls and shapes of `api.github.com.json`. A shape is made ready when an answer is first held against it."""

    def __init__(self, path: Path) -> None:
        document = json.loads(path.read_bytes())
        self._components = document["components"]
        self._operations = {
            _key(method.upper(), template): operation
            for template, operations in document["paths"].items()
            for method, operation in operations.items()
        }
        self._registry: Registry = Registry(retrieve=cache(self._retrieve))  # type: ignore[call-arg]
        self._validator = cache(self._new_validator)

    def knows(self, method: str, template: str) -> bool:
        return _key(method, template) in self._operations

    def problems(self, method: str, template: str, status: int, body: bytes) -> list[str]:
        """What is wrong with an answer to a call that is known, such as `$.owner: 'login' is a required property`.

        `template` is a path whose parameters may have any names.
        """
        responses = self._operations[_key(method, template)]["responses"]
        if not (response := responses.get(str(status))):
            return [f"$: the status {status} is not described"] if status < 400 else self._compare(ERROR, body)
        if "$ref" in response:
            response = self._components["responses"][response["$ref"].rpartition("/")[2]]
        if "content" in response:
            return self._compare({"anyOf": [media["schema"] for media in response["content"].values()]}, body)
        if status >= 400:
            return self._compare(ERROR, body)
        return ["$: a body, where none is described"] if body else []

    def _compare(self, schema: Mapping[str, Any], body: bytes) -> list[str]:
        validator = self._validator(json.dumps(schema))
        try:
            return sorted({problem for error in validator.iter_errors(json.loads(body)) for problem in _told(error)})
        except json.JSONDecodeError:
            return ["$: is not JSON"]

    def _new_validator(self, schema: str) -> Any:
        shape = _ready(json.loads(schema))
        return Draft202012Validator(shape, registry=self._registry, format_checker=formats)

    def _retrieve(self, uri: str) -> Resource:
        kind, _, name = uri.partition(":")
        shape = _ready(self._components["schemas"][name], closed=kind == CLOSED)
        return Resource.from_contents(shape, default_specification=DRAFT202012)


def _key(method: str, template: str) -> str:
    return f"{method} {re.sub(r'{[^}]*}', '{}', template)}"


def _ready(schema: Any, closed: bool = True) -> Any:
    """A schema of OpenAPI 3.0 in JSON Schema's own words.

    Alternatives overlap in the description, so one or more have to fit. An object has no more than is described, if the
    schema is `closed`.
    """
    if isinstance(schema, list):
        return [_ready(each, closed) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(reference := schema.get("$ref"), str):
        return {"$ref": f"{CLOSED if closed else OPEN}:{reference.removeprefix(SCHEMAS)}"}
    words = {"oneOf": "anyOf"}
    ready = {
        words.get(name, name): value if name in {"enum", "required"} else _ready(value, name != "allOf")
        for name, value in schema.items()
        if name not in {"nullable", "example", "examples", "discriminator"} or isinstance(value, dict)
    }
    described = isinstance(schema.get("properties"), dict) or "allOf" in schema
    if closed and described and "additionalProperties" not in schema:
        ready["unevaluatedProperties"] = False
    return {"anyOf": [{"type": "null"}, ready]} if schema.get("nullable") is True else ready


def _told(error: ValidationError) -> Iterator[str]:
    """The one problem, or where each alternative has failed, those of the one that comes closest."""
    where = re.sub(r"\[\d+\]", "[]", error.json_path)
    alternatives: dict[Any, list[ValidationError]] = {}
    for each in error.context or ():
        alternatives.setdefault(each.schema_path[0], []).append(each)
    if alternatives:
        closest = min(alternatives.values(), key=lambda errors: (_is_of_another_type(errors[0]), len(errors)))
        yield from (problem for each in closest for problem in _told(each))
    elif error.validator == "unevaluatedProperties":
        names = sorted(re.findall(r"'([^']+)'", error.message))
        yield from (f"{where}: '{name}' is not described" for name in names)
    else:
        yield f"{where}: {error.message if len(error.message) < 200 else f'is not as {error.validator} says'}"


def _is_of_another_type(error: ValidationError) -> bool:
    return error.validator == "type" and not error.relative_path
