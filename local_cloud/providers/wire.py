"""Pulumi's property values: protobuf structs on the wire, plain Python within.

Values are None, bool, int, float, str, list and dict, and two of Pulumi's own: `Secret`, and `UNKNOWN` for what isn't
known before an update runs. The signatures are the engine's (pulumi/sdk, go/common/resource/plugin/rpc.go).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from google.protobuf.struct_pb2 import Struct, Value

SIGNATURE_KEY = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a marker, not a secret
UNKNOWN_VALUE = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_UNKNOWN_VALUES = frozenset(
    {
        UNKNOWN_VALUE,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # a boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # a number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # a list
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # an object
    }
)


class Unknown(Enum):
    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN


@dataclass(frozen=True)
class Secret:
    """A value that the engine encrypts in its state; it never shows in a `repr`."""

    value: Any = field(repr=False)


def decode(struct: Struct) -> dict[str, Any]:
    """The properties in `struct`; whole numbers become int."""
    return {name: _decode(value) for name, value in struct.fields.items()}


def _decode(value: Value) -> Any:  # noqa: PLR0911 - one for each kind
    match value.WhichOneof("kind"):
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return UNKNOWN if value.string_value in _UNKNOWN_VALUES else value.string_value
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_decode(item) for item in value.list_value.values]
        case "struct_value":
            fields = value.struct_value.fields
            if SIGNATURE_KEY in fields and fields[SIGNATURE_KEY].string_value == SECRET_SIGNATURE:
                return Secret(_decode(fields["value"]))
            return decode(value.struct_value)
        case _:
            return None


def encode(properties: Mapping[str, Any]) -> Struct:
    """The struct of `properties`; None is left out, as the official plugins do."""
    return Struct(fields={name: _encode(value) for name, value in properties.items() if value is not None})


def _encode(value: Any) -> Value:  # noqa: PLR0911 - one for each kind
    match value:
        case None:
            return Value(null_value=0)
        case Unknown():
            return Value(string_value=UNKNOWN_VALUE)
        case Secret():
            fields = {SIGNATURE_KEY: Value(string_value=SECRET_SIGNATURE), "value": _encode(value.value)}
            return Value(struct_value=Struct(fields=fields))
        case bool():
            return Value(bool_value=value)
        case int() | float():
            return Value(number_value=value)
        case str():
            return Value(string_value=value)
        case list():
            items = Value()
            items.list_value.values.extend(_encode(item) for item in value)
            return items
        case _:
            return Value(struct_value=encode(value))


def reveal(value: Any) -> Any:
    """`value` with every secret in it unwrapped, and without the None in its objects."""
    match value:
        case Secret():
            return reveal(value.value)
        case dict():
            revealed = {name: reveal(item) for name, item in value.items()}
            return {name: item for name, item in revealed.items() if item is not None}
        case list():
            return [reveal(item) for item in value]
        case _:
            return value


def conceal(value: Any, *patterns: Any) -> Any:
    """`value`, made secret wherever one of `patterns` is at the same place."""
    if any(isinstance(pattern, Secret) for pattern in patterns):
        return value if isinstance(value, Secret) else Secret(value)
    match value:
        case dict():
            within = [pattern for pattern in patterns if isinstance(pattern, dict)]
            return {
                name: conceal(item, *(pattern[name] for pattern in within if name in pattern))
                for name, item in value.items()
            }
        case list():
            lists = [pattern for pattern in patterns if isinstance(pattern, list)]
            return [
                conceal(item, *(pattern[index] for pattern in lists if index < len(pattern)))
                for index, item in enumerate(value)
            ]
        case _:
            return value
