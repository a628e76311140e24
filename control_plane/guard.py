"""What each request passes first: the name it asks for, who really calls, what a browser may do with the answer."""

import re
import uuid
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from control_plane.logs import REQUEST_ID
from control_plane.settings import Settings

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Not `no-referrer`, with which browsers take their own origin out of the forms that they send.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
CLOSE = {"Connection": "close"}
"""The body is not read, however long it is."""

NUL = b"%00"
"""PostgreSQL keeps none, and no name has one."""

STRICT_TRANSPORT = "max-age=31536000"

ANY_NAME = ("/health", "/ready")
"""What probes ask for by an address that nobody set; neither takes a cookie, nor tells anything."""

ID = re.compile(r"[0-9A-Za-z_.:-]{8,128}")


class Guard:
    """Around all routes. A name that is not the server's own gets nothing: it may be made to lead here by anybody."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings
        public = urlsplit(settings.public_url or "http://localhost").hostname
        self._names = {"127.0.0.1", "localhost", "::1", settings.listen, public, *settings.trusted_hosts}
        self._headers = HEADERS | ({"Strict-Transport-Security": STRICT_TRANSPORT} if is_https(settings) else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        proxied = self._through_proxy(scope)
        scope.setdefault("state", {})["proxied"] = proxied
        if proxied:
            scope["client"] = (self._client(scope, headers), 0)
        given = headers.get("x-request-id", "") if proxied else ""
        identity = given if ID.fullmatch(given) else uuid.uuid4().hex
        REQUEST_ID.set(identity)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    answer.setdefault(name, value)
                answer["X-Request-Id"] = identity
            await send(message)

        if not (self._knows(headers.get("host", "")) or scope["path"] in ANY_NAME):
            refusal = PlainTextResponse("this server has another name: OVERSKILL_TRUSTED_HOSTS", 421, CLOSE)
            await refusal(scope, receive, guarded)
        elif NUL in scope["raw_path"] or NUL in scope["query_string"]:
            await PlainTextResponse("no address has a NUL", 400, CLOSE)(scope, receive, guarded)
        else:
            await self._app(scope, receive, guarded)

    def _knows(self, host: str) -> bool:
        try:
            return urlsplit(f"//{host}").hostname in self._names
        except ValueError:
            return False

    def _through_proxy(self, scope: Scope) -> bool:
        return bool(scope["client"]) and self._is_proxy(scope["client"][0])

    def _is_proxy(self, address: str) -> bool:
        found = _address(address)
        return found is not None and any(found in network for network in self._settings.proxies)

    def _client(self, scope: Scope, headers: Headers) -> str:
        """The last address that a proxy of ours was called from; what stands before it anybody may have written."""
        forwarded = [part.strip() for part in ",".join(headers.getlist("x-forwarded-for")).split(",")]
        outside = [part for part in forwarded if _address(part) and not self._is_proxy(part)]
        return outside[-1] if outside else scope["client"][0]


def is_https(settings: Settings) -> bool:
    """Whether browsers come by https, as `public_url` says: the server itself speaks http to its proxy."""
    return bool(settings.public_url and settings.public_url.startswith("https:"))


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
