"""The dashboard: the apps, what happens to them, and what an operator may do about it. Pages, rendered here."""

from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from control_plane.dashboard import live, login, routes
from control_plane.dashboard.session import LoginNeeded
from control_plane.rate_limits import RateLimit

LOGIN_ATTEMPTS_A_MINUTE = 10


class Files(StaticFiles):
    """Style, scripts, icon: kept by a browser, which asks each time whether they are still the same."""

    def file_response(self, *args: Any, **options: Any) -> Any:
        answer = super().file_response(*args, **options)
        answer.headers["Cache-Control"] = "no-cache"
        return answer


def install(app: FastAPI) -> None:
    app.state.login_attempts = RateLimit(LOGIN_ATTEMPTS_A_MINUTE, "too many logins were tried")
    app.include_router(login.router)
    app.include_router(routes.router)
    app.include_router(live.router)
    app.add_exception_handler(LoginNeeded, login.to_login)
    app.mount("/static", Files(directory=Path(__file__).parent / "static"), name="static")
