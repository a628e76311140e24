"""Coming in and going: a password, a link that works once, or whom the proxy names."""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from control_plane import audit, operators
from control_plane.dashboard.pages import message, render
from control_plane.dashboard.session import (
    Changing,
    LoginNeeded,
    begin,
    end,
    inside,
    login_page,
    named_by_proxy,
    require_own_page,
)
from control_plane.notices import NO_NUL
from control_plane.rate_limits import caller_of
from control_plane.state import GivenPlane, Plane

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/login")
def form(request: Request, plane: GivenPlane, back: str = "/") -> Response:
    """The form for a password, or, where a proxy names the operator, the way in."""
    named = named_by_proxy(request, plane.settings)
    if named is None:
        return render("login.html", None, back=inside(back), problem="")
    if not named:
        told = f"The proxy named nobody: it has to send the header {plane.settings.login_header}."
        return message(403, "Who are you?", told)
    return _enter(request, plane, named, "proxy", inside(back))


@router.post("/login")
def by_password(
    request: Request,
    plane: GivenPlane,
    name: Annotated[str, Form(max_length=100, pattern=NO_NUL)],
    password: Annotated[str, Form(max_length=1000, pattern=NO_NUL)],
    back: Annotated[str, Form(pattern=NO_NUL)] = "/",
) -> Response:
    require_own_page(request, plane.settings)
    if named_by_proxy(request, plane.settings) is not None:
        raise HTTPException(403, "behind this proxy nobody logs in with a password")
    origin = request.client.host if request.client else ""
    request.app.state.login_attempts.take(f"address {caller_of(origin)}")
    request.app.state.login_attempts.take(f"name {name}")
    request.app.state.passwords.take("all")
    if operators.is_password(plane.database, name, password):
        return _enter(request, plane, name, "password", inside(back))
    with plane.database.writing() as session:
        audit.append(session, audit.Deed("anonymous", "operator.login", "dashboard", "refused", origin))
    problem = "No operator has this name and this password."
    return render("login.html", None, 401, back=inside(back), problem=problem)


@router.get("/login/{key}")
def by_link(request: Request, plane: GivenPlane, key: str) -> Response:
    origin = request.client.host if request.client else ""
    request.app.state.login_attempts.take(f"address {caller_of(origin)}")
    if named_by_proxy(request, plane.settings) is not None:
        raise HTTPException(403, "behind this proxy nobody logs in with a link")
    with plane.database.writing() as session:
        name = operators.use_link(session, key)
    if name is None:
        return message(401, "This link is used up", "A link works once, and not for long. Have another one printed.")
    return _enter(request, plane, name, "link", "/")


@router.post("/logout")
def log_out(plane: GivenPlane, operator: Changing) -> Response:
    with plane.database.writing() as session:
        operators.log_out(session, operator.login)
        audit.append(session, audit.Deed(operator.actor, "operator.logout", "dashboard", origin=operator.origin))
    answer = RedirectResponse("/login", 303)
    end(answer, plane.settings)
    return answer


def _enter(request: Request, plane: Plane, name: str, how: str, back: str) -> Response:
    origin = request.client and request.client.host
    with plane.database.writing() as session:
        cookie = operators.log_in(session, name)
        deed = audit.Deed(f"operator:{name}", "operator.login", "dashboard", origin=origin, details={"by": how})
        audit.append(session, deed)
    answer = RedirectResponse(back, 303)
    begin(answer, plane.settings, cookie)
    return answer


def to_login(request: Request, problem: LoginNeeded) -> Response:
    """What a page without a session answers. What a script of the page asks for takes the browser along."""
    if "hx-request" in request.headers or "text/event-stream" in request.headers.get("accept", ""):
        return Response(status_code=401, headers={"HX-Redirect": login_page("/")})
    return RedirectResponse(login_page(problem.back), 303)
