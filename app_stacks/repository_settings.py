"""What the repository of every app is set to, by the names that GitHub's API has for it. Pure."""

from typing import Any

TOPIC = "overskill"
"""Tells the repositories of apps from others of their organisation."""

SETTINGS: dict[str, Any] = {
    "topics": [TOPIC],
    "has_issues": False,
    "has_projects": False,
    "has_wiki": False,
    "delete_branch_on_merge": True,
}

DEFAULT_BRANCH = "default branch"
"""The name of the rules that keep it."""
