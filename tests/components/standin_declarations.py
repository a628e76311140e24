"""The stand-ins' declarations, flattened so that others' can be compared with them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from local_cloud.providers import cloudflare, github
from local_cloud.providers.resource import Resource
from local_cloud.providers.schema import Json, ListOf, MapOf, Object, SetOf

RESOURCES: dict[str, type[Resource[Any]]] = {**cloudflare.PACKAGE.resources, **github.PACKAGE.resources}


@dataclass(frozen=True, kw_only=True)
class Declared:
    """One property. `kind` is a schema's word, after `list of` or `map of`; `any`; or `unsupported`."""

    kind: str
    required: bool
    secret: bool


KINDS = {str: "string", Json: "string", int: "integer", float: "number", bool: "boolean", object: "any"}


def kind(type_: Any) -> str:
    match type_:
        case Object():
            return "object"
        case ListOf() | SetOf():
            return f"list of {kind(type_.items)}"
        case MapOf():
            return f"map of {kind(type_.items)}"
        case _:
            return KINDS[type_]


def inputs(shape: Object, path: str = "") -> Iterator[tuple[str, Declared]]:
    """Every input by its path, and within nested types the read-only ones too, which schemas do not set apart.

    What isn't supported is named, and neither its type nor what is in it is.
    """
    for name, declared in shape:
        if declared.output and not path:
            continue
        where = f"{path}{name}"
        shown = kind(declared.type) if declared.supported else "unsupported"
        yield where, Declared(kind=shown, required=declared.required, secret=declared.secret)
        inner = declared.type
        while isinstance(inner, ListOf | SetOf | MapOf):
            inner = inner.items
        if isinstance(inner, Object) and declared.supported:
            yield from inputs(inner, f"{where}.")


def outputs(shape: Object) -> set[str]:
    return {name for name, _ in shape}
