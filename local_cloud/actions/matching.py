"""Whether a workflow wants an event: its types, branches, tags and paths, by GitHub's patterns."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from local_cloud.actions.workflow import texts
from local_cloud.git_history import BRANCHES, TAGS

TYPES: Mapping[str, tuple[str, ...]] = {"pull_request": ("opened", "synchronize", "reopened")}
"""Of an event, without `types`; any type of all others."""


def wants(
    filters: Mapping[str, Any], event: str, payload: Mapping[str, Any], changed_paths: Callable[[], list[str] | None]
) -> bool:
    """`filters` are those of the event. `changed_paths` gives None if nobody knows; then every filter passes."""
    types = texts(filters.get("types")) or TYPES.get(event, ())
    if types and payload.get("action") not in types:
        return False
    match event:
        case "push" if payload["ref"].startswith(TAGS):
            return _wants_ref(filters, "tags", "branches", payload["ref"].removeprefix(TAGS))
        case "push":
            branch = payload["ref"].removeprefix(BRANCHES)
            return _wants_ref(filters, "branches", "tags", branch) and _wants_paths(filters, changed_paths)
        case "pull_request":
            base = payload["pull_request"]["base"]["ref"]
            return _wants_ref(filters, "branches", "", base) and _wants_paths(filters, changed_paths)
        case "workflow_run":
            run = payload["workflow_run"]
            named = run["name"] in texts(filters.get("workflows"))
            return named and _wants_ref(filters, "branches", "", run["head_branch"])
        case _:
            return True


def _wants_ref(filters: Mapping[str, Any], kind: str, other: str, name: str) -> bool:
    wanted, ignored = filters.get(kind), filters.get(f"{kind}-ignore")
    if wanted is None and ignored is None:
        # Who filters tags alone wants no branch, and the other way round.
        return not other or not {other, f"{other}-ignore"} & filters.keys()
    return _matches(texts(wanted), name) if wanted is not None else not _matches(texts(ignored), name)


def _wants_paths(filters: Mapping[str, Any], changed_paths: Callable[[], list[str] | None]) -> bool:
    wanted, ignored = filters.get("paths"), filters.get("paths-ignore")
    if wanted is None and ignored is None:
        return True
    paths = changed_paths()
    if paths is None:
        return True
    if wanted is not None:
        return any(_matches(texts(wanted), path) for path in paths)
    return not all(_matches(texts(ignored), path) for path in paths)


def _matches(patterns: Iterable[str], name: str) -> bool:
    """The last pattern that fits decides; one that begins with `!` excludes."""
    matched = False
    for pattern in patterns:
        if _regex(pattern.removeprefix("!")).fullmatch(name):
            matched = not pattern.startswith("!")
    return matched


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    parts = re.findall(r"\*\*/|\*\*|\*|\?|\+|\[[^\]]*\]|\\.|.", pattern)
    made = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "?", "+": "+"}
    expression = "".join(made.get(part) or (part if part[0] == "[" else re.escape(part[-1])) for part in parts)
    try:
        return re.compile(expression)
    except re.error:  # such as `+a`, which fits nothing but itself
        return re.compile(re.escape(pattern))
