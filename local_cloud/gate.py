"""Who may see the local cloud's own page and use its own calls, `/_local`.

That only this machine reaches them is not enough: a web page that its user has open does too, under a name that it
makes resolve to 127.0.0.1, or by a form. So the host must be one that no such page can have; a browser must have opened
the page by its key, which it has as a cookie from then on; and what it changes must be asked for by the page itself.
"""

import hmac
from collections.abc import Awaitable, Callable
from functools import wraps
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local_cloud import real_tokens
from local_cloud.cloud import Cloud

Endpoint = Callable[[Request], Awaitable[Response]]

SAFE_METHODS = frozenset({"GET", "HEAD"})


class Gate:
    """Knows the Cloudflare token, which opens all of `/_local`, and the page's key."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        # Browsers tell hosts apart, not ports: two local clouds on one machine must not take each other's cookie.
        self.cookie = f"local-cloud-{cloud.settings.api_port}"

    def guarded(self, endpoint: Endpoint) -> Endpoint:
        """`endpoint`, for bearers of the token and for the page alone."""

        @wraps(endpoint)
        async def guard(request: Request) -> Response:
            return self._refusal(request) or await endpoint(request)

        return guard

    def local(self, endpoint: Endpoint) -> Endpoint:
        """`endpoint`, open to everybody who asks under a host of this machine."""

        @wraps(endpoint)
        async def guard(request: Request) -> Response:
            return self._foreign(request) or await endpoint(request)

        return guard

    def has_cookie(self, request: Request) -> bool:
        return self.is_key(request.cookies.get(self.cookie, ""))

    def is_key(self, sent: str) -> bool:
        return hmac.compare_digest(sent.encode(), self._cloud.credentials.page_key.encode())

    def _refusal(self, request: Request) -> Response | None:
        if foreign := self._foreign(request):
            return foreign
        if real_tokens.carried(request.headers, request.url.query):
            return _refused(401, real_tokens.REASON)
        authorization = request.headers.get("authorization", "")
        if hmac.compare_digest(authorization.encode(), f"Bearer {self._cloud.credentials.cloudflare_token}".encode()):
            return None
        if authorization or not self.has_cookie(request):
            return _refused(
                401, f"send the Cloudflare token of {self._cloud.state.path}/credentials.json as a bearer token"
            )
        if request.method not in SAFE_METHODS and not _is_same_origin(request):
            return _refused(403, "only the local cloud's own page may ask for this with its cookie")
        return None

    def _foreign(self, request: Request) -> Response | None:
        try:
            host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
            # An address leads nowhere else, as a name can; one of the network is ours only if that is listened to.
            if host == "localhost" or ip_address(host).is_loopback or not self._cloud.settings.is_loopback:
                return None
        except ValueError:
            pass
        return _refused(403, f"this is at {self._cloud.settings.api_url} only")


def _is_same_origin(request: Request) -> bool:
    return request.headers.get("origin") in {f"{scheme}://{request.headers['host']}" for scheme in ("http", "https")}


def _refused(status: int, reason: str) -> Response:
    return JSONResponse({"error": reason}, status)
