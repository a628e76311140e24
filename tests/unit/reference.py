"""`docs/reference.md`, made of the code: every command with its options, every key of a stack file, every setting.

Run as a program, it writes the page.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel

from app_stacks.config import PROJECT, AppConfig
from control_plane.settings import Settings
from infra.config import StackConfig
from overskill.cli import app
from overskill.serve_command import USAGE_MINUTES

PAGE = Path(__file__).parents[2] / "docs" / "reference.md"
HEAD = """# Reference

Made of the code by `python tests/unit/reference.py`, and held equal. What each is for, the [README](../README.md) says.
"""
AUTOMATIC = {"help"}
OF_THE_NAME = {f"{PROJECT}:platformStack", f"{PROJECT}:appId"}
"""What an app's stack says by its name."""
WRITTEN_AS = {f"{PROJECT}:secrets": "mapping to secret string"}
"""What a stack file has otherwise than the program that reads it."""
SERVED = {
    "usage_minutes": f"`{USAGE_MINUTES}`",
    "quotas": "those of the stack's plans",
    "trusted_hosts": "those of `overskill:apiBase` and `overskill:webhookBase`",
}
"""What `overskill serve` gives where the variable says nothing."""
WIDEST = 60
"""Of a default that is shown; a longer one is a structure, which the key's kind describes."""


def page() -> str:
    """The whole page."""
    parts = [HEAD, "## Commands\n", *_commands(typer.main.get_command(app), "./dev")]
    parts += ["## A platform's stack file\n", _keys()]
    parts += [
        "## An app's stack file\n",
        _table("key", _properties(AppConfig.model_json_schema(by_alias=True), PROJECT)),
    ]
    parts += ["## The control plane's environment\n", _table("variable", _settings())]
    return "\n".join(parts)


def _commands(command: Any, name: str) -> Iterator[str]:
    if isinstance(getattr(command, "commands", None), Mapping):
        for sub in sorted(command.commands):
            yield from _commands(command.commands[sub], f"{name} {sub}")
        return
    parameters = [one for one in command.params if one.name not in AUTOMATIC]
    arguments = [one for one in parameters if one.param_type_name == "argument"]
    options = [one for one in parameters if one.param_type_name == "option"]
    usage = " ".join([name, *(_argument(one) for one in arguments)])
    rows = [f"| `{_flags(one)}` | {_cell(one.help or '')}{_default(one)} |" for one in [*arguments, *options]]
    table = "\n| | |\n|---|---|\n" + "\n".join(rows) + "\n" if rows else ""
    yield f"### `{usage}`\n{_cell(command.help or '')}\n{table}"


def _argument(argument: Any) -> str:
    """`NAME`, `[NAME]` for one that may be left out, with dots for several."""
    name = f"{argument.name.upper()}{'...' if argument.nargs == -1 else ''}"
    return name if argument.required else f"[{name}]"


def _flags(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.name).upper()
    return ", ".join([*parameter.opts, *parameter.secondary_opts])


def _default(parameter: Any) -> str:
    default = parameter.default
    return f" Default: `{default}`." if isinstance(default, str | int) and not isinstance(default, bool) else ""


def _keys() -> str:
    rows: list[tuple[str, str, str]] = []
    for section in StackConfig.model_fields:
        part = StackConfig.model_fields[section].annotation
        assert isinstance(part, type)
        assert issubclass(part, BaseModel)
        rows += _properties(part.model_json_schema(by_alias=True), section)
    return _table("key", rows)


def _properties(schema: Mapping[str, Any], section: str) -> list[tuple[str, str, str]]:
    """Name, kind, default; the keys of a structure stand below it, with its name before theirs."""
    definitions = schema.get("$defs", {})
    rows = _walk(schema, definitions, f"{section}:")
    return [(key, WRITTEN_AS.get(key, kind), default) for key, kind, default in rows if key not in OF_THE_NAME]


def _walk(schema: Mapping[str, Any], definitions: Mapping[str, Any], before: str) -> Iterator[tuple[str, str, str]]:
    required = schema.get("required", ())
    for key, value in schema.get("properties", {}).items():
        default = "required" if key in required else _shown(value.get("default"))
        kind = _kind(value, definitions)
        yield f"{before}{key}", kind, "" if kind == "structure" and default != "required" else default
        for inner in _structures(value, definitions):
            marker = ".*." if value.get("type") == "object" else "."
            yield from _walk(inner, definitions, f"{before}{key}{marker}")


def _structures(value: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for one in (value, *value.get("anyOf", ()), _inner(value)):
        if "$ref" in one:
            yield definitions[one["$ref"].rpartition("/")[2]]


def _kind(value: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    match value:
        case {"enum": several} | {"const": several}:
            return " or ".join(f"`{one}`" for one in (several if isinstance(several, list) else [several]))
        case {"anyOf": several}:
            return " or ".join(_kind(one, definitions) for one in several if one.get("type") != "null")
        case {"$ref": _}:
            return "structure"
        case {"type": "array", "items": inner}:
            return f"list of {_kind(inner, definitions)}"
        case {"type": "object"}:
            return f"mapping to {_kind(_inner(value), definitions)}"
    limits = [f"{word} {value[key]}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in value]
    return " ".join([str(value.get("format") or value.get("type", "anything")), *limits])


def _inner(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the values of a mapping are, whatever its keys."""
    alike = [*value.get("patternProperties", {}).values(), value.get("additionalProperties")]
    return next((one for one in alike if isinstance(one, Mapping)), {})


def _settings() -> list[tuple[str, str, str]]:
    properties = Settings.model_json_schema()
    return [
        (
            f"OVERSKILL_{name.upper()}",
            _kind(value, {}),
            SERVED.get(name)
            or ("that of the stack" if name in properties["required"] else _shown(value.get("default"))),
        )
        for name, value in properties["properties"].items()
    ]


def _shown(default: Any) -> str:
    text = json.dumps(default)
    return "" if default in (None, "", [], {}) or len(text) > WIDEST else f"`{text}`"


def _table(first: str, rows: list[tuple[str, str, str]]) -> str:
    lines = [f"| `{name}` | {_cell(kind)} | {_cell(default)} |" for name, kind, default in rows]
    return "\n".join([f"| {first} | kind | default |", "|---|---|---|", *lines, ""])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page())
