"""How a resource type, a function or a configuration declares its properties.

A type is `str`, `int`, `float`, `bool`, `object` (anything), `Json`, an `Object`, or a `ListOf`, `SetOf` or `MapOf`.
Declarations say what the published schemas say, and what those leave out and the Terraform providers below them have:
defaults, what replaces, what the service fills in.
"""

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local_cloud.providers.wire import UNKNOWN, Secret

Rule = Callable[[Any], str | None]
"""What is wrong with a value of the right type, or None. The value may be secret: it isn't repeated."""


class Json:
    """A text in Pulumi that is JSON in the service's API."""


@dataclass(frozen=True)
class ListOf:
    items: Any


@dataclass(frozen=True)
class SetOf:
    """A list in Pulumi whose order means nothing."""

    items: Any


@dataclass(frozen=True)
class MapOf:
    items: Any


@dataclass(frozen=True, kw_only=True)
class Property:
    """One property.

    `output`: the service's alone, never given. `computed`: the service fills it in where it isn't given.
    `default`: what it is where it isn't given, a value or a function of its siblings. `replaces`: a change needs a new
    resource. `stable`: an output that an update leaves as it is. `supported`: False for what this stand-in refuses to
    be given. `api`: its name in the API where that isn't its snake_case name; None where it isn't part of a body.
    """

    type: Any
    required: bool = False
    secret: bool = False
    output: bool = False
    computed: bool = False
    default: Any = None
    replaces: bool = False
    stable: bool = False
    supported: bool = True
    api: str | None = ""
    rule: Rule | None = None

    def default_among(self, siblings: Mapping[str, Any]) -> Any:
        return self.default(siblings) if callable(self.default) else self.default


def given(type: Any, **declared: Any) -> Property:
    """An input, which is an output too."""
    return Property(type=type, **declared)


def output(type: Any, **declared: Any) -> Property:
    return Property(type=type, output=True, **declared)


def unsupported(*names: str) -> dict[str, Property]:
    """Inputs of the official plugin that this stand-in refuses; as outputs they are the service's alone."""
    return {name: Property(type=object, computed=True, supported=False) for name in names}


def strings(*names: str, **declared: Any) -> dict[str, Property]:
    return {name: Property(type=str, **declared) for name in names}


@dataclass(frozen=True)
class Object:
    """Named properties, as a resource, a function's arguments or a nested type has."""

    properties: Mapping[str, Property]

    def __iter__(self) -> Iterator[tuple[str, Property]]:
        return iter(self.properties.items())

    def __getitem__(self, name: str) -> Property:
        return self.properties[name]

    @property
    def inputs(self) -> dict[str, Property]:
        return {name: declared for name, declared in self if not declared.output}


def replacing(properties: Mapping[str, Property]) -> dict[str, Property]:
    """`properties` of which none can change in place."""
    return {name: dataclasses.replace(declared, replaces=not declared.output) for name, declared in properties.items()}


def api_name(name: str, declared: Property) -> str | None:
    """`compatibilityDate` is `compatibility_date` in both APIs."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower() if declared.api == "" else declared.api


def one_of(*values: str | int) -> Rule:
    return lambda value: None if value in values else f"Expected one of {', '.join(map(str, values))}"


def between(least: float, most: float) -> Rule:
    return lambda value: None if least <= value <= most else f"Expected a number from {least:g} to {most:g}"


def matching(pattern: str, explanation: str) -> Rule:
    return lambda value: None if re.fullmatch(pattern, value) else explanation


def conceal_declared(type_: Any, value: Any) -> Any:
    """`value`, of the type `type_`, with what is declared secret made secret."""
    match type_, value:
        case Object(), dict():
            return {name: _conceal_property(type_.properties.get(name), item) for name, item in value.items()}
        case ((ListOf() | SetOf()), list()):
            return [conceal_declared(type_.items, item) for item in value]
        case MapOf(), dict():
            return {key: conceal_declared(type_.items, item) for key, item in value.items()}
        case _:
            return value


def _conceal_property(declared: Property | None, value: Any) -> Any:
    if declared is None or value is None or isinstance(value, Secret):
        return value
    return Secret(value) if declared.secret else conceal_declared(declared.type, value)


def with_unknowns(shape: Object, planned: Mapping[str, Any]) -> dict[str, Any]:
    """`planned` as a preview of a creation shows it: what only the service can tell is unknown."""
    shown = dict(planned)
    for name, declared in shape:
        value = shown.get(name)
        if value is None and declared.supported and (declared.output or declared.computed):
            shown[name] = UNKNOWN
        elif isinstance(declared.type, Object) and isinstance(value, dict):
            shown[name] = with_unknowns(declared.type, value)
    return shown
