"""The stack file of an app: what it takes from its platform's, and how it is written."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from overskill import lined_yaml
from overskill.errors import CommandError
from overskill.project import APP_PROJECT

PROVIDER_NAMESPACES = ("cloudflare", "github")


def app_values(platform: Mapping[str, Any], organization: str, own: Mapping[str, Any]) -> dict[str, Any]:
    """The `config` of an app: the provider settings of its platform stack, with the organisation that owns apps.

    `platform` is that stack's `config`; `own` are the app's keys without `overskill-apps:`.
    """
    config = {key: value for key, value in platform.items() if key.split(":")[0] in PROVIDER_NAMESPACES}
    return {**config, "github:owner": organization, **{f"{APP_PROJECT}:{key}": value for key, value in own.items()}}


def own_values(config: Mapping[str, Any]) -> dict[str, Any]:
    """The app's keys of a stack's `config`, without `overskill-apps:`."""
    return {
        key.removeprefix(f"{APP_PROJECT}:"): value for key, value in config.items() if key.startswith(f"{APP_PROJECT}:")
    }


def read(file: Path) -> dict[str, Any]:
    """The `config` that the file has; empty where there is no file. Raises `CommandError` for what is no stack file."""
    return _content(file).get("config", {})


def encrypted(file: Path) -> dict[str, Any]:
    """What is encrypted in the file's `config`: only the file itself has it."""
    return {key: value for key, value in read(file).items() if is_encrypted(value)}


def write(file: Path, config: Mapping[str, Any]) -> None:
    """Put `config` in the place of the file's own; what else is in the file stays."""
    content = {**_content(file), "config": dict(config)}
    if not any(is_encrypted(value) for value in config.values()):
        # It is that of a passphrase, which is made anew where it is gone, and then stands in the way.
        content.pop("encryptionsalt", None)
    written = file.with_name(f".{file.name}.{os.getpid()}")
    written.write_text(yaml.safe_dump(content))
    written.replace(file)  # whole, or not at all


def is_encrypted(value: Any) -> bool:
    """Whether anything in a stack's configuration is."""
    return isinstance(value, dict) and ("secure" in value or any(is_encrypted(inner) for inner in value.values()))


def _content(file: Path) -> dict[str, Any]:
    try:
        content = lined_yaml.parse(file.read_text()).value
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} is no YAML: {error}; mend it, or delete it and set the app's keys again") from None
    if not isinstance(content, dict) or not isinstance(content.get("config", {}), dict):
        raise CommandError(f"{file} has no mapping `config`; mend it, or delete it and set the app's keys again")
    return content
