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
        properties |= {f"{section}:{key}": value for key, value in model["properties"].items()}
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


def text() -> str:
    return json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
