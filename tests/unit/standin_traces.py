"""The recordings of what the official plugins asked, which lie beside the repository where there are any."""

import ast
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).parents[3] / "shared"

Call = tuple[str, str, Any]


def shared(path: str) -> str:
    """A file beside the repository; skips the test where there is none."""
    file = SHARED / path
    if not file.exists():
        pytest.skip(f"{file} is absent: the expected calls of these tests' own say the same")
    return file.read_text()


def recorded(text: str, root: str) -> dict[str, list[Call]]:
    """Method, path below `root` and JSON body of each call of a recording, by the step that it was made in."""
    steps: dict[str, list[Call]] = {}
    calls: list[Call] = []
    for line in text.splitlines():
        if line.startswith("#### "):
            calls = steps.setdefault(line.removeprefix("#### "), [])
        elif line.startswith(("GET ", "POST ", "PUT ", "PATCH ", "DELETE ")):
            method, path = line.split(" ", 1)
            calls.append((method, path.removeprefix(root), None))
        elif "body=b" in line:
            body = ast.literal_eval(line.partition("body=")[2])
            if body and not body.startswith(b"--"):
                calls[-1] = (*calls[-1][:2], json.loads(body))
    return steps


def counted(calls: list[Call], ids: Mapping[str, str] | None = None) -> Counter[str]:
    """Calls without their order, which is the engine's, with `ids` replaced; what is sealed differs each time."""
    lines = [f"{method} {path} {json.dumps(_sealed(body), sort_keys=True)}" for method, path, body in calls]
    for ours, theirs in (ids or {}).items():
        lines = [line.replace(ours, theirs) for line in lines]
    return Counter(lines)


def _sealed(body: Any) -> Any:
    return {**body, "encrypted_value": "sealed"} if isinstance(body, dict) and "encrypted_value" in body else body
