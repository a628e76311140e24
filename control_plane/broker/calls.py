"""The calls of a deploy, and their paths: `/accounts/{account}/...` below the broker's root. Pure."""

import re
from dataclasses import dataclass
from typing import Literal

from control_plane.broker.refusals import Refused

ROOT = "/api/deploy"

Kind = Literal["look", "upload", "delete", "session", "assets", "secrets", "settings"]

_ACCOUNT = "/accounts/(?P<account>[0-9a-z]+)"
_SCRIPT = f"{_ACCOUNT}/workers/dispatch/namespaces/(?P<namespace>[0-9a-z-]+)/scripts/(?P<script>[0-9a-z-]+)"
_WORKER = f"{_ACCOUNT}/workers/scripts/(?P<script>[0-9a-z-]+)"
_CALLS: tuple[tuple[Kind, str, re.Pattern[str]], ...] = (
    ("look", "GET", re.compile(_SCRIPT)),
    ("upload", "PUT", re.compile(_SCRIPT)),
    ("delete", "DELETE", re.compile(_SCRIPT)),
    ("session", "POST", re.compile(f"{_SCRIPT}/assets-upload-session")),
    ("assets", "POST", re.compile(f"{_ACCOUNT}/workers/assets/upload")),
    # Wrangler asks these two of the account, also for a script in a namespace.
    ("secrets", "GET", re.compile(f"{_WORKER}/secrets")),
    ("settings", "GET", re.compile(f"{_WORKER}/settings")),
)
_SHOWN = 200


@dataclass(frozen=True, kw_only=True)
class Call:
    """`namespace` is None for calls of the account, `script` for an upload of assets: its session knows both."""

    kind: Kind
    account: str
    namespace: str | None = None
    script: str | None = None


def parse(method: str, raw_path: str) -> Call:
    """`raw_path` is as it was sent: encoded characters, dots and double slashes are in no path of a deploy.

    Raises `Refused` for any other call.
    """
    below = raw_path.removeprefix(ROOT)
    for kind, its_method, pattern in _CALLS:
        if method == its_method and (match := pattern.fullmatch(below)):
            return Call(kind=kind, **match.groupdict())
    raise Refused(
        403,
        f"{method} {below[:_SHOWN]!a} is no call of a deploy: the broker takes those that "
        "`wrangler deploy --dispatch-namespace NAMESPACE --name SCRIPT` makes, and the removal of a preview",
    )
