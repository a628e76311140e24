"""Inputs against their declaration: everything that is wrong with them, at once.

Reasons are worded as the Terraform bridge words them (pulumi-terraform-bridge, pkg/tfbridge/check_failures.go).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local_cloud.providers.schema import Json, ListOf, MapOf, Object, Property, SetOf
from local_cloud.providers.wire import UNKNOWN, Secret, reveal

_SCALARS = {str: "a string", Json: "a string", bool: "a boolean", int: "an integer", float: "a number"}


@dataclass(frozen=True, kw_only=True)
class Failure:
    """`path` is where, such as `bindings[0].name`; `reason` never holds a value that is secret."""

    path: str
    reason: str

    @property
    def root(self) -> str:
        return self.path.partition(".")[0].partition("[")[0]


def check(shape: Object, inputs: Mapping[str, Any], path: str = "") -> Iterator[Failure]:
    """What is missing, unknown, read-only, not carried out here, or of a wrong type or value in `inputs`."""
    for name in inputs:
        declared = shape.properties.get(name)
        if declared is None or (declared.output and not path):
            yield Failure(path=_under(path, name), reason="Invalid or unknown key")
    for name, declared in shape:
        value = inputs.get(name)
        if value is None:
            if declared.required:
                yield Failure(path=_under(path, name), reason=f"Missing required property '{_under(path, name)}'")
        elif not (declared.output and not path):
            yield from _check_property(declared, value, _under(path, name))


def _check_property(declared: Property, value: Any, path: str) -> Iterator[Failure]:
    if declared.output:
        yield Failure(path=path, reason="Cannot set a value for this read-only property")
    elif not declared.supported:
        yield Failure(
            path=path,
            reason="The stand-in provider does not carry this property out; "
            "use the official plugin (--providers official)",
        )
    elif failures := [*_check_value(declared.type, value, path)]:
        yield from failures
    elif declared.rule and (known := reveal(value)) is not UNKNOWN and (wrong := declared.rule(known)):
        yield Failure(path=path, reason=wrong)


def _check_value(type_: Any, value: Any, path: str) -> Iterator[Failure]:
    if isinstance(value, Secret):
        value = value.value
    match type_, value:
        case _ if value is UNKNOWN or type_ is object:
            return
        case Object(), dict():
            yield from check(type_, value, path)
        case ((ListOf() | SetOf()), list()):
            for index, item in enumerate(value):
                yield from _check_value(type_.items, item, f"{path}[{index}]")
        case MapOf(), dict():
            for key, item in value.items():
                yield from _check_value(type_.items, item, _under(path, key))
        case _ if not _is_scalar(type_, value):
            yield Failure(path=path, reason=f"Expected {_described(type_)}, got {_kind(value)}")


def _is_scalar(type_: Any, value: Any) -> bool:
    if isinstance(value, bool):
        return type_ is bool
    if type_ is float:
        return isinstance(value, int | float)
    return isinstance(type_, type) and isinstance(value, str if type_ is Json else type_)


def _described(type_: Any) -> str:
    match type_:
        case Object() | MapOf():
            return "an object"
        case ListOf() | SetOf():
            return "a list"
        case _:
            return _SCALARS[type_]


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "an object"


def _under(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
