"""No endpoint without a decision about who may call it: every route of the application, tried by everybody."""

import re
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from control_plane_settings import ORIGIN, browser, csrf, declare_app, log_in, plane
from every_route import routes

from control_plane import access, operators
from control_plane.application import application
from control_plane.state import Plane

PASSWORD = "correct horse battery"

OPEN = {
    "GET /health": "restarts the process",
    "GET /ready": "sends requests here",
    "GET /api/openapi.json": "describes the API, as this repository does",
    "GET /login": "the way in",
    "POST /login": "the way in",
    "GET /login/{key}": "the way in",
    "GET /static/{path}": "style, scripts, icon",
}
"""Who may call these: everybody, for what."""

OWN_PROOF = ("/webhooks/", "/api/hooks/", "/api/deploy/")
"""A signature over the body, or the identity token of a workflow run; no token of ours, and no session."""

TOKEN = ("/api/", "/metrics")


def decision(name: str) -> str:
    """`open`, `proof`, `token`, or, of all that is not named above, `operator`."""
    path = name.split()[1]
    if name in OPEN:
        return "open"
    if path.startswith(OWN_PROOF):
        return "proof"
    return "token" if path.startswith(TOKEN) else "operator"


@pytest.fixture
def served(tmp_path: Path) -> Plane:
    made = plane(tmp_path)
    declare_app(made, "abc123")
    with made.database.writing() as session:
        operators.set_password(session, "anna", PASSWORD)
    return made


@pytest.fixture
def every_route(served: Plane) -> list[str]:
    found = list(routes(application(served).routes))
    assert len(found) == len(set(found)) > len(OPEN)
    return found


def call(client: httpx.Client, name: str, **options: Any) -> httpx.Response:
    method, path = name.split()
    filled = re.sub("{[^}]*}", lambda part: "abc123" if "app" in part[0] else "1", path)
    return client.request(method, filled, **options)


def bearer(served: Plane, name: str, scopes: tuple[access.Scope, ...]) -> dict[str, str]:
    with served.database.writing() as session:
        return {"Authorization": f"Bearer {access.issue(session, name, list(scopes))}"}


def of(every_route: list[str], wanted: str) -> list[str]:
    return [name for name in every_route if decision(name) == wanted]


def test_what_is_open_is_there(every_route: list[str]) -> None:
    assert OPEN.keys() <= set(every_route)


def test_the_api_asks_for_a_token_with_the_scope(served: Plane, every_route: list[str]) -> None:
    client = browser(served)
    log_in(client, "anna", PASSWORD)
    powerless = bearer(served, "powerless", ())
    answers = {name: (call(client, name), call(client, name, headers=powerless)) for name in of(every_route, "token")}
    assert answers
    assert {name: told for name, told in answers.items() if [one.status_code for one in told] != [401, 403]} == {}


def test_pages_ask_for_an_operator(served: Plane, every_route: list[str]) -> None:
    client = browser(served)
    mighty = bearer(served, "mighty", get_args(access.Scope))
    answers = {name: (call(client, name), call(client, name, headers=mighty)) for name in of(every_route, "operator")}
    assert "GET /" in answers
    assert {
        name: told
        for name, told in answers.items()
        if any(one.status_code != 303 or not one.headers["location"].startswith("/login") for one in told)
    } == {}


def test_a_change_asks_for_what_its_page_has(served: Plane, every_route: list[str]) -> None:
    client = browser(served)
    log_in(client, "anna", PASSWORD)
    meant = {"csrf": csrf(client)}
    changes = [name for name in of(every_route, "operator") if not name.startswith("GET")]
    assert "POST /logout" in changes
    for name in changes:
        assert call(client, name).status_code == 422
        assert call(client, name, data={"csrf": "guessed"}).status_code == 403
        for origin in ("http://evil.test", "null", "https://127.0.0.1:8786", "http://127.0.0.1:8786.evil.test"):
            assert call(client, name, data=meant, headers={"Origin": origin}).status_code == 403
        del client.headers["origin"]
        assert call(client, name, data=meant).status_code == 403
        client.headers["origin"] = ORIGIN


def test_no_token_and_no_session_stands_for_a_proof(served: Plane, every_route: list[str]) -> None:
    client = browser(served)
    log_in(client, "anna", PASSWORD)
    mighty = bearer(served, "mighty", get_args(access.Scope))
    for name in of(every_route, "proof"):
        assert 400 <= call(client, name, headers=mighty).status_code < 500
