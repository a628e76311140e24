"""Who has a page open: by a cookie that no script reads, and with each change what shows that it is meant."""

import secrets
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import Depends, Form, HTTPException, Request, Response

from control_plane import operators
from control_plane.guard import is_https
from control_plane.notices import NO_NUL
from control_plane.settings import Settings
from control_plane.state import GivenPlane
from control_plane.tables import Login


class LoginNeeded(Exception):
    """`back`: the page to come back to."""

    def __init__(self, back: str) -> None:
        self.back = back


@dataclass(frozen=True)
class Operator:
    """`csrf` has to come with each form. `origin` is an IP address."""

    name: str
    origin: str | None
    login: Login

    @property
    def actor(self) -> str:
        return f"operator:{self.name}"

    @property
    def csrf(self) -> str:
        return self.login.csrf


def operator(request: Request, plane: GivenPlane) -> Operator:
    """Who is logged in. Raises `LoginNeeded`.

    Behind a proxy that names the operator, a session is over as soon as the proxy names another one, or none.
    """
    login = operators.login(plane.database, request.cookies.get(cookie_name(plane.settings), ""))
    if login is None or named_by_proxy(request, plane.settings) not in (None, login.operator):
        raise LoginNeeded(request.url.path if request.method == "GET" else "/")
    return Operator(login.operator, request.client and request.client.host, login)


def change(
    request: Request,
    plane: GivenPlane,
    operator: Annotated[Operator, Depends(operator)],
    csrf: Annotated[str, Form(pattern=NO_NUL)],
) -> Operator:
    """The operator who changes something. Raises 403 for a form that is none of this server's pages."""
    require_own_page(request, plane.settings)
    if not secrets.compare_digest(csrf.encode(errors="replace"), operator.csrf.encode()):
        raise HTTPException(403, "this form is of another session: load its page again")
    return operator


LoggedIn = Annotated[Operator, Depends(operator)]
Changing = Annotated[Operator, Depends(change)]


def require_own_page(request: Request, settings: Settings) -> None:
    """Raises 403 unless the browser says that a page of this server sent the form: every browser does, with a POST."""
    scheme = "https" if is_https(settings) else "http"
    if request.headers.get("origin") != f"{scheme}://{request.headers.get('host')}":
        raise HTTPException(403, "this form was not sent by a page of this server: open the page here, and try again")


def named_by_proxy(request: Request, settings: Settings) -> str | None:
    """Whom a proxy of ours names; None if none of them has to.

    "" if nobody: also of two names, one of which a visitor may have sent.
    """
    if not settings.login_header or not request.state.proxied:
        return None
    named = request.headers.getlist(settings.login_header)
    return named[0].strip() if len(named) == 1 else ""


def begin(response: Response, settings: Settings, cookie: str) -> None:
    response.set_cookie(
        cookie_name(settings),
        cookie,
        max_age=int(operators.SESSION.total_seconds()),
        secure=is_https(settings),
        httponly=True,
        samesite="lax",
    )


def end(response: Response, settings: Settings) -> None:
    response.delete_cookie(cookie_name(settings), secure=is_https(settings), httponly=True, samesite="lax")


def cookie_name(settings: Settings) -> str:
    """By https a browser takes `__Host-` from this host alone. By http it tells no ports apart, so the name does."""
    return "__Host-overskill" if is_https(settings) else f"overskill-{settings.port}"


def login_page(back: str) -> str:
    return "/login" if back == "/" else f"/login?back={quote(back)}"


def inside(back: str) -> str:
    """`back` if it is a path of this server."""
    parts = urlsplit(back)
    is_path = back.startswith("/") and not back.startswith(("//", "/\\")) and not (parts.scheme or parts.netloc)
    return back if is_path and back.isprintable() else "/"
