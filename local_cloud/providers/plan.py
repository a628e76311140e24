"""What inputs ask for, given what is there, and how the two differ.

Terraform plans the same way: the inputs, with defaults for what isn't given, and for what the service computes the
value that it had. What then differs from the state is a change, whoever made it: the program, or somebody else.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from local_cloud.providers.schema import ListOf, MapOf, Object, Property, SetOf
from local_cloud.providers.wire import UNKNOWN


class Kind(Enum):
    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """`path` is a Pulumi property path: `bindings[1].name`."""

    path: str
    kind: Kind
    replaces: bool

    @property
    def root(self) -> str:
        return self.path.partition(".")[0].partition("[")[0]


def plan(shape: Object, inputs: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, Any]:
    """The state that `inputs` ask for. Both are without None and secrets; `inputs` may hold `UNKNOWN`."""
    planned: dict[str, Any] = {}
    for name, declared in shape:
        wanted, present = inputs.get(name), state.get(name)
        if declared.output:
            value = present
        elif wanted is not None:
            value = _plan_value(declared.type, wanted, present)
        elif (default := declared.default_among(planned)) is not None:
            value = _plan_value(declared.type, default, present)
        else:
            value = present if declared.computed else None
        if value is not None:
            planned[name] = value
    return planned


def _plan_value(type_: Any, wanted: Any, present: Any) -> Any:
    match type_, wanted:
        case Object(), dict():
            return plan(type_, wanted, present if isinstance(present, dict) else {})
        case ListOf(), list():
            before = present if isinstance(present, list) else []
            return [
                _plan_value(type_.items, item, before[index] if index < len(before) else None)
                for index, item in enumerate(wanted)
            ]
        case SetOf(), list():
            return [_plan_element(type_, item, present if isinstance(present, list) else []) for item in wanted]
        case MapOf(), dict():
            before = present if isinstance(present, dict) else {}
            return {key: _plan_value(type_.items, item, before.get(key)) for key, item in wanted.items()}
        case _:
            return wanted


def _plan_element(type_: SetOf, wanted: Any, present: Sequence[Any]) -> Any:
    candidates = ((_plan_value(type_.items, wanted, element), element) for element in present)
    return next(
        (planned for planned, element in candidates if _same(type_.items, planned, element)),
        _plan_value(type_.items, wanted, None),
    )


def differences(
    shape: Object, planned: Mapping[str, Any], state: Mapping[str, Any], path: str = "", replaces: bool = False
) -> Iterator[Difference]:
    """How `planned` differs from `state`, property by property and element by element."""
    for name, declared in shape:
        if declared.output:
            continue
        wanted, present = planned.get(name), state.get(name)
        if present is None and wanted is not None and _is_default(declared, wanted, planned):
            continue
        where = f"{path}.{name}" if path else name
        yield from _value_differences(declared.type, wanted, present, where, replaces or declared.replaces)


def _is_default(declared: Property, wanted: Any, siblings: Mapping[str, Any]) -> bool:
    default = declared.default_among(siblings)
    return default is not None and wanted == _plan_value(declared.type, default, None)


def _value_differences(type_: Any, wanted: Any, present: Any, path: str, replaces: bool) -> Iterator[Difference]:
    match type_, wanted, present:
        case _ if wanted == present:
            return
        case _, None, _:
            yield Difference(path=path, kind=Kind.DELETE, replaces=replaces)
        case _, _, None:
            yield Difference(path=path, kind=Kind.ADD, replaces=replaces)
        case Object(), dict(), dict():
            yield from differences(type_, wanted, present, path, replaces)
        case ListOf(), list(), list():
            for index in range(max(len(wanted), len(present))):
                yield from _value_differences(
                    type_.items, _at(wanted, index), _at(present, index), f"{path}[{index}]", replaces
                )
        case SetOf(), list(), list():
            yield from _set_differences(type_.items, wanted, present, path, replaces)
        case MapOf(), dict(), dict():
            for key in {**wanted, **present}:
                yield from _value_differences(type_.items, wanted.get(key), present.get(key), f"{path}.{key}", replaces)
        case _:
            yield Difference(path=path, kind=Kind.UPDATE, replaces=replaces)


def _set_differences(
    type_: Any, wanted: Sequence[Any], present: Sequence[Any], path: str, replaces: bool
) -> Iterator[Difference]:
    added = {i for i, item in enumerate(wanted) if not any(_same(type_, item, other) for other in present)}
    deleted = {i for i, item in enumerate(present) if not any(_same(type_, other, item) for other in wanted)}
    for index in sorted(added | deleted):
        kind = Kind.UPDATE if index in added & deleted else Kind.ADD if index in added else Kind.DELETE
        yield Difference(path=f"{path}[{index}]", kind=kind, replaces=replaces)


def _same(type_: Any, wanted: Any, present: Any) -> bool:
    return wanted is not UNKNOWN and not any(_value_differences(type_, wanted, present, "", False))


def _at(items: Sequence[Any], index: int) -> Any:
    return items[index] if index < len(items) else None


def given_by(shape: Object, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs that would make a resource with these `outputs`: what can be given and isn't its default."""
    inputs = {
        name: _without_outputs(declared.type, value)
        for name, declared in shape
        if (value := outputs.get(name)) is not None and not declared.output and declared.supported
    }
    return {name: value for name, value in inputs.items() if not _is_default(shape[name], value, outputs)}


def refreshed(
    shape: Object, inputs: Mapping[str, Any], planned: Mapping[str, Any], outputs: Mapping[str, Any]
) -> dict[str, Any]:
    """`inputs`, which plan `planned`, as they would have to be to ask for `outputs`; those that do stay as they are."""
    changed = {difference.root for difference in differences(shape, planned, outputs)}
    now = {
        name: _without_outputs(shape[name].type, outputs.get(name)) if name in changed else value
        for name, value in inputs.items()
    }
    return {name: value for name, value in now.items() if value is not None}


def _without_outputs(type_: Any, value: Any) -> Any:
    match type_, value:
        case Object(), dict():
            return {
                name: _without_outputs(declared.type, value[name])
                for name, declared in type_
                if name in value and not declared.output
            }
        case ((ListOf() | SetOf()), list()):
            return [_without_outputs(type_.items, item) for item in value]
        case _:
            return value
