"""Cap'n Proto text: Python values as the literals of a schema file."""

from typing import Any


class Enumerant(str):
    """A value of an enum, by its name."""


def literal(value: Any) -> str:
    """dict -> struct, list -> list, str -> Text, bytes -> Data, bool -> Bool, None -> Void.

    Raises `TypeError` for anything else.
    """
    match value:
        case dict():
            return f"({', '.join(f'{field} = {literal(item)}' for field, item in value.items())})"
        case list():
            return f"[{', '.join(literal(item) for item in value)}]"
        case Enumerant():
            return str(value)
        case str():
            return f'"{value.translate(_ESCAPES)}"'
        case None | bool():
            return {None: "void", True: "true", False: "false"}[value]
        case bytes():
            return f'0x"{value.hex()}"'
        case _:
            raise TypeError(f"no Cap'n Proto literal for {type(value).__name__}")


_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(0x20), 0x7F, *map(ord, "\"\\'"))}
