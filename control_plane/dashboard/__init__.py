"""The dashboard: the apps, what happens to them, and what an operator may do about it. Pages, rendered here."""

from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from control_plane.dashboard import cost, live, login, rollbacks, routes, states, webhooks
from control_plane.dashboard.pages import message
from control_plane.dashboard.session import LoginNeeded
from control_plane.rate_limits import RateLimit

LOGIN_ATTEMPTS_A_MINUTE = 10
PASSWORDS_A_MINUTE = 120
"""Of all together: each takes a thread for a while, and a flood of them from everywhere would take every thread."""


class Files(StaticFiles):
    """Style, scripts, icon: kept by a browser, which asks each time whether they are still the same."""

    def file_response(self, *args: Any, **options: Any) -> Any:
        answer = super().file_response(*args, **options)
        answer.headers["Cache-Control"] = "no-cache"
        return answer


def install(app: FastAPI) -> None:
    app.state.login_attempts = RateLimit(LOGIN_ATTEMPTS_A_MINUTE, "too many logins were tried")
    app.state.passwords = RateLimit(PASSWORDS_A_MINUTE, "too many logins were tried; have a link printed")
    app.state.cost_reports = cost.Reports()
    app.include_router(login.router)
    app.include_router(routes.router)
    app.include_router(cost.router)
    app.include_router(states.router)
    app.include_router(webhooks.router)
    app.include_router(rollbacks.router)
    app.include_router(live.router)
    app.add_exception_handler(LoginNeeded, login.to_login)
    app.add_exception_handler(HTTPException, _refused)
    app.mount("/static", Files(directory=Path(__file__).parent / "static"), name="static")


async def _refused(request: Request, refused: HTTPException) -> Response:
    """A browser that opens a page is answered by one, every other client by JSON."""
    if "text/html" not in request.headers.get("accept", ""):
        return await http_exception_handler(request, refused)
    answer = message(refused.status_code, HTTPStatus(refused.status_code).phrase, f"{refused.detail}.")
    answer.headers.update(refused.headers or {})
    return answer
