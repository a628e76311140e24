"""Between a resource's properties and the JSON documents of a service's API."""

import json
from collections.abc import Mapping
from typing import Any

from local_cloud.providers.schema import Json, ListOf, MapOf, Object, SetOf, api_name


def to_api(shape: Object, planned: Mapping[str, Any]) -> dict[str, Any]:
    """The body that `planned` makes: every input that it holds, under the API's names."""
    return {
        key: _to_api(declared.type, planned[name])
        for name, declared in shape.inputs.items()
        if planned.get(name) is not None and (key := api_name(name, declared)) is not None
    }


def _to_api(type_: Any, value: Any) -> Any:
    match type_, value:
        case Object(), dict():
            return to_api(type_, value)
        case ((ListOf() | SetOf()), list()):
            return [_to_api(type_.items, item) for item in value]
        case MapOf(), dict():
            return {key: _to_api(type_.items, item) for key, item in value.items()}
        case _ if type_ is Json:
            return json.loads(value)
        case _:
            return value


def from_api(shape: Object, result: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs that `result` holds under the API's names; None for what is null there."""
    return {
        name: _from_api(declared.type, result[key])
        for name, declared in shape
        if (key := api_name(name, declared)) is not None and key in result
    }


def _from_api(type_: Any, value: Any) -> Any:
    match type_, value:
        case _, None:
            return None
        case Object(), dict():
            return from_api(type_, value)
        case ((ListOf() | SetOf()), list()):
            return [_from_api(type_.items, item) for item in value]
        case MapOf(), dict():
            return {key: _from_api(type_.items, item) for key, item in value.items()}
        case _ if type_ is Json:
            return json.dumps(value, separators=(",", ":"), sort_keys=True)
        case _:
            return value


def overlay(shape: Object, answered: Mapping[str, Any], planned: Mapping[str, Any]) -> dict[str, Any]:
    """The state after a write: what was planned, and what the service answered for everything else."""
    state: dict[str, Any] = {}
    for name, declared in shape:
        there, wanted = answered.get(name), planned.get(name)
        if isinstance(declared.type, Object) and isinstance(there, dict) and isinstance(wanted, dict):
            state[name] = overlay(declared.type, there, wanted)
        else:
            first, second = (there, wanted) if declared.output else (wanted, there)
            state[name] = second if first is None else first
    return state
