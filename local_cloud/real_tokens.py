"""What looks like a token of the real GitHub or Cloudflare: a client that sends one takes the local cloud for these.

The formats are published: GitHub's prefixes, Cloudflare's of 2026 (`cfut_`, `cfat_`, `cfk_`), and what both made before
they had any. Nothing that the local cloud makes looks like that: its tokens begin with `local-`, and others are JWTs.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

_PREFIXED = re.compile(r"(?<![A-Za-z0-9])(?:gh[oprsu]_|github_pat_|cf(?:at|k|ut)_)[A-Za-z0-9_.-]{16,}")
_OLDER = re.compile(r"[A-Za-z0-9_-]{40}|[0-9a-f]{37,45}")
"""Cloudflare's tokens and global keys, GitHub's 40 hexadecimal digits: looked for where a credential is due."""

_LOCAL = re.compile(r"local-[a-z]+(?:-[a-z]+)*-[0-9a-f]{40}")

_CREDENTIALS = ("authorization", "cookie", "proxy-authorization", "x-auth-key", "x-auth-user-service-key")

REASON = (
    "this token looks like a real one. The local cloud takes only its own, which begin with local- and are in "
    "credentials.json of its state directory. It was not read any further and is not kept: take it out of this "
    "program's environment, or correct the base URL"
)


def looks_real(token: str) -> bool:
    """Whether a credential, without its scheme, has the form of a real one."""
    return bool(_PREFIXED.search(token) or _OLDER.fullmatch(token))


def carried(headers: Mapping[str, str], query: str) -> bool:
    """Whether a request has such a credential in its headers or in its query, which is still percent-encoded."""
    sent = [headers[name] for name in _CREDENTIALS if name in headers]
    return any(looks_real(token) for value in sent for token in _tokens(value)) or bool(_PREFIXED.search(query))


def withheld(text: str) -> str:
    """`text` without tokens that tell by their prefix what they are, real ones and the local cloud's own."""
    return _LOCAL.sub("[token]", _PREFIXED.sub("[token]", text))


class RealTokenGuard:
    """Middleware around the services: a request with such a credential is answered by `refuse(path)`, and not read."""

    def __init__(self, app: ASGIApp, refuse: Callable[[str], Response]) -> None:
        self._app = app
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        real = carried(Headers(scope=scope), scope["query_string"].decode("latin-1"))
        await (self._refuse(scope["path"]) if real else self._app)(scope, receive, send)


def _tokens(value: str) -> list[str]:
    scheme, _, rest = value.strip().rpartition(" ")
    if scheme.lower() != "basic":
        return [rest]
    try:
        return b64decode(rest).decode(errors="replace").split(":", 1)
    except ValueError:
        return [rest]
