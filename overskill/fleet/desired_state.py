"""The digest of an app's desired state: equal digests, equal `pulumi up`."""

import ast
import hashlib
import importlib.metadata
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overskill.fleet.costs import Costs

PROGRAM = "app_stacks"
PACKAGES = (PROGRAM, "infra")
TABLES = ("contract/names.json",)
"""What the program reads beside its own folder."""

PASSING = {"dispatcherVersion"}
"""Outputs of the platform that no app has anything of."""

SDKS = ("pulumi", "pulumi-cloudflare", "pulumi-github")


@dataclass(frozen=True)
class Desired:
    """What one app shall be: the `config` of its stack file, the digest of that and all else that counts, and what its
    runs cost."""

    config: Mapping[str, Any]
    digest: str
    costs: Costs


def common(root: Path, platform: Mapping[str, Any], webhook_secret: str) -> str:
    """The part that is the same for all apps of a platform stack, whose outputs are `platform`.

    That is: the app program of the checkout at `root`, the versions of the SDKs, and the root of the webhook secrets.
    """
    files = {str(file.relative_to(root)): _hash(file.read_bytes()) for file in program_files(root)}
    sdks = {name: importlib.metadata.version(name) for name in SDKS}
    lasting = {name: value for name, value in platform.items() if name not in PASSING}
    return _hash(_canonical([files, sdks, lasting, webhook_secret]))


def digest(common_part: str, config: Mapping[str, Any]) -> str:
    """Of an app whose stack file has this `config`."""
    return _hash(_canonical([common_part, config]))


def program_files(root: Path) -> list[Path]:
    """The app program, what it imports of this project, and what both read: nothing else changes an app."""
    modules, waiting = set(), [root / PROGRAM / "__main__.py"]
    while waiting:
        module = waiting.pop()
        if module not in modules:
            modules.add(module)
            waiting += _imported(root, module)
    program = root / PROGRAM
    data = [f for f in program.rglob("*") if f.is_file() and f.suffix not in (".py", ".pyc") and f.parent != program]
    data = [file for file in data if file.parent != program / "stacks"]
    return sorted({*modules, *data, program / "Pulumi.yaml", *(root / table for table in TABLES)})


def _imported(root: Path, module: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(module.read_text())):
        names = [f"{node.module}.{alias.name}" for alias in node.names] if isinstance(node, ast.ImportFrom) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            if name.partition(".")[0] in PACKAGES:
                path = root.joinpath(*name.split("."))
                yield from (f for f in (path.with_suffix(".py"), path / "__init__.py") if f.is_file())


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str).encode()


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
