"""What a call needs, in GitHub's words, as its route names it.

`contents` is to read for GET and to write for anything else, `contents:write` says which. Several that are all needed
are written `contents:write,workflows:write`, several of which one is enough `issues; pull_requests`.
"""

from collections.abc import Mapping

AS_APP = "app"
"""The permission of a route that only the App may call, with a JSON web token."""

AS_INSTALLATION = "installation"
"""The permission of a route that only an installation may call, whatever it may do."""

ANYONE = "anyone"
"""The permission of a route that every token may call."""

LEVELS = ("none", "read", "write")

PUBLIC = frozenset({"actions", "checks", "contents", "deployments", "issues", "metadata", "pull_requests", "statuses"})
"""What everybody may read of a public repository."""


def permits(granted: Mapping[str, str], permission: str, method: str) -> bool:
    """Whether one may make the call who has been `granted` levels by name."""
    return any(
        all(LEVELS.index(granted.get(name, "none")) >= LEVELS.index(level) for name, level in one)
        for one in alternatives(permission, method)
    )


def alternatives(permission: str, method: str) -> list[list[tuple[str, str]]]:
    """Names and levels of which one list is enough, all of it."""
    default = "read" if method in {"GET", "HEAD"} else "write"
    return [
        [(name, level or default) for name, _, level in (each.strip().partition(":") for each in one.split(","))]
        for one in permission.split(";")
    ]


def visible_to_all(permission: str, method: str) -> bool:
    """Whether it takes no token to make the call on a public repository."""
    return any(
        all(name in PUBLIC and level == "read" for name, level in one) for one in alternatives(permission, method)
    )


def accepted(permission: str, method: str) -> str:
    """The permission as GitHub's header has it."""
    if permission in {ANYONE, AS_INSTALLATION}:
        return "allows_permissionless_access=true"
    return "; ".join(",".join(f"{name}={level}" for name, level in one) for one in alternatives(permission, method))
