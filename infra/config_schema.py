"""`python -m infra.config_schema`: writes the JSON schema of stack files, by which editors complete and check them."""

import json
from pathlib import Path
from typing import Any

from infra.config import StackConfig

FILE = Path(__file__).parent / "config.schema.json"


def schema() -> dict[str, Any]:
    """Of a whole `Pulumi.<stack>.yaml`. The engine's own keys may stand beside `config`, and `pulumi:*` in it."""
    sections = StackConfig.model_json_schema(by_alias=True)
    definitions = sections.pop("$defs")
    properties: dict[str, Any] = {}
    required = []
    for section in StackConfig.model_fields:
        model = definitions.pop(StackConfig.model_fields[section].annotation.__name__)
        properties |= {f"{section}:{key}": _or_its_text(value) for key, value in model["properties"].items()}
        required += [f"{section}:{key}" for key in model.get("required", ())]
    config = {
        "type": "object",
        "properties": properties,
        "patternProperties": {"^pulumi:": {}},
        "additionalProperties": False,
        "required": required,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stack of the OverSkill platform",
        "type": "object",
        "properties": {"config": config},
        "$defs": definitions,
    }


def _or_its_text(value: dict[str, Any]) -> dict[str, Any]:
    """A number or a truth value that stands alone may also be text: the engine makes it so when it writes the file."""
    kinds = {kind.get("type") for kind in value.get("anyOf", [value])}
    texts = {"integer": {"type": "string", "pattern": "^[0-9]+$"}, "boolean": {"enum": ["true", "false"]}}
    if not (as_text := [texts[kind] for kind in texts if kind in kinds]):
        return value
    outer = {key: value[key] for key in ("title", "default") if key in value}
    alone = {key: item for key, item in value.items() if key not in outer}
    return {**outer, "anyOf": [*alone.get("anyOf", [alone]), *as_text]}


def text() -> str:
    return json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
