"""Which changes of a ref the rulesets of a repository forbid. git's hook needs it too: standard library alone.

A ruleset is `{"target": "branch" | "tag", "include": [...], "exclude": [...], "rules": [type, ...], "checks": [...]}`,
with patterns of full names such as `refs/heads/release/*`, `~DEFAULT_BRANCH` and `~ALL`. `checks` are those of commits:
`{"missing": what GitHub says, "passed": [hash, ...], "on_create": whether they are asked for where a ref is made}`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_cloud.git_history import BRANCHES, NONE, TAGS, RefChange, has_merges, leads_to

TARGETS = {"branch": BRANCHES, "tag": TAGS}

LINEAR = "This branch must not contain merge commits."
PROTECTED = "Cannot update this protected ref."

Ruleset = Mapping[str, Any]


@dataclass(frozen=True)
class RefRules:
    """The rulesets that are to be held to."""

    rulesets: Sequence[Ruleset]
    default_branch: str

    def about(self, ref: str) -> list[Ruleset]:
        """The rulesets for a ref, given by its full name."""

        def named(patterns: Sequence[str]) -> bool:
            return any(_matches(pattern, self.default_branch, ref) for pattern in patterns)

        return [
            ruleset
            for ruleset in self.rulesets
            if ref.startswith(TARGETS[ruleset["target"]])
            and named(ruleset["include"])
            and not named(ruleset["exclude"])
        ]

    def violations(self, repository: Path, change: RefChange) -> list[str]:
        """What GitHub says of each rule that is broken."""
        ref, before, after = change.ref, change.before, change.after
        kind = "branch" if ref.startswith(BRANCHES) else "tag"
        made, gone = before == NONE, after == NONE
        changed = not made and not gone
        tests: dict[str, tuple[Callable[[], bool], str]] = {
            "creation": (lambda: made, "Cannot create ref due to creations being restricted."),
            "deletion": (lambda: gone, f"Cannot delete this {kind}"),
            "update": (lambda: changed, PROTECTED),
            "non_fast_forward": (
                lambda: changed and not leads_to(repository, before, after),
                f"Cannot force-push to this {kind}",
            ),
            "required_linear_history": (lambda: not gone and has_merges(repository, before, after), LINEAR),
            "pull_request": (lambda: changed, "Changes must be made through a pull request."),
        }
        rulesets = self.about(ref)
        rules = {rule for ruleset in rulesets for rule in ruleset["rules"]}
        unchecked = [
            checks["missing"]
            for ruleset in rulesets
            for checks in ruleset["checks"]
            if not gone and after not in checks["passed"] and (changed or checks["on_create"])
        ]
        return [message for rule, (broken, message) in tests.items() if rule in rules and broken()] + unchecked


def _matches(pattern: str, default_branch: str, ref: str) -> bool:
    if pattern == "~ALL":
        return True
    if pattern == "~DEFAULT_BRANCH":
        return ref == BRANCHES + default_branch
    # As Ruby's File.fnmatch with FNM_PATHNAME: only `**/` goes beyond a slash.
    wild = {"**/": "(?:[^/]+/)*", "?": "[^/]", "*": "[^/]*"}
    parts = re.split(r"((?<![^/])\*\*/|\*+|\?)", pattern)
    return re.fullmatch("".join(wild.get(part) or _expression(part) for part in parts), ref) is not None


def _expression(part: str) -> str:
    return "[^/]*" if part.startswith("*") else re.escape(part)
