"""The operator's way in: a password, a link that works once, whom a proxy names; and how long it lasts."""

import datetime as dt
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from control_plane_settings import ORIGIN, InProcess, browser, csrf, log_in, plane
from corpus import MULTIPART

from control_plane import dashboard, operators, rate_limits
from control_plane.application import application
from control_plane.dashboard.session import inside
from control_plane.state import Plane
from control_plane.tables import AuditEntry, Login, LoginLink, Operator

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operators, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    monkeypatch.setattr(operators, "_NOBODY", operators._hasher.hash("nobody's"))


@pytest.fixture
def served(tmp_path: Path) -> Plane:
    return with_operator(plane(tmp_path))


def with_operator(made: Plane) -> Plane:
    with made.database.writing() as session:
        operators.set_password(session, "anna", PASSWORD)
    return made


def link(made: Plane) -> str:
    with made.database.writing() as session:
        return operators.login_link(session, "anna", ORIGIN).removeprefix(ORIGIN)


def test_a_password_opens_a_session_that_ends_with_a_logout(served: Plane) -> None:
    client = browser(served)
    assert client.get("/apps/abc123").headers["location"] == "/login?back=/apps/abc123"
    answer = client.post("/login", data={"name": "anna", "password": PASSWORD, "back": "/apps/abc123"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/apps/abc123")
    assert set(answer.headers["set-cookie"].split("; ")[1:]) == {"HttpOnly", "Max-Age=43200", "Path=/", "SameSite=lax"}
    kept = httpx.Cookies(client.cookies)
    assert client.post("/logout", data={"csrf": csrf(client)}).headers["location"] == "/login"
    client.cookies = kept
    assert client.get("/").status_code == 303, "the cookie of a session that is over"


def test_by_https_the_cookie_is_of_this_host_alone(tmp_path: Path) -> None:
    url = "https://control.overskill.test"
    client = browser(with_operator(plane(tmp_path, public_url=url)), url)
    answer = log_in(client, "anna", PASSWORD)
    assert answer.headers["set-cookie"].startswith("__Host-overskill=")
    assert "Secure" in answer.headers["set-cookie"] and "Domain" not in answer.headers["set-cookie"]
    assert answer.headers["strict-transport-security"]
    assert client.get("/").status_code == 200


def test_what_is_kept_opens_nothing(served: Plane) -> None:
    client = browser(served)
    log_in(client, "anna", PASSWORD)
    key = link(served).rsplit("/", 1)[1]
    with served.database.reading() as session:
        kept = repr([vars(row) for table in (Operator, Login, LoginLink) for row in session.scalars(sa.select(table))])
    assert "$argon2id$" in kept
    assert not [secret for secret in (PASSWORD, key, *client.cookies.values()) if secret in kept]


@pytest.mark.parametrize(("name", "password"), [("anna", "wrong"), ("nobody", PASSWORD), ("", ""), ("anna", "")])
def test_another_password_does_not(served: Plane, name: str, password: str) -> None:
    answer = log_in(browser(served), name, password)
    assert answer.status_code in (401, 422)
    assert "set-cookie" not in answer.headers


def test_an_operator_without_a_password_has_none(served: Plane) -> None:
    with served.database.writing() as session:
        operators.login_link(session, "linked", ORIGIN)
    assert log_in(browser(served), "linked", "None").status_code == 401


def test_a_form_of_another_site_logs_nobody_in(served: Plane) -> None:
    data = {"name": "anna", "password": PASSWORD}
    answer = browser(served).post("/login", data=data, headers={"Origin": "http://evil.test"})
    assert answer.status_code == 403


def test_guesses_are_slowed_down_by_address_and_by_name(served: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits.time, "monotonic", lambda: 100.0)
    client = browser(served)
    answers = [log_in(client, "anna", "wrong") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert log_in(client, "other", "wrong").status_code == 429


def test_a_flood_of_passwords_leaves_the_way_in_by_a_link(served: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard, "PASSWORDS_A_MINUTE", 3)
    app = application(served)

    def client(address: str) -> httpx.Client:
        return httpx.Client(transport=InProcess(app, address), base_url=ORIGIN, headers={"Origin": ORIGIN})

    flood = [log_in(client(f"2001:db8:{n:x}::1"), f"nobody{n}", PASSWORD).status_code for n in range(5)]
    assert flood == [401, 401, 401, 429, 429]
    assert client("192.0.2.9").get(link(served)).status_code == 303


def test_a_network_of_ipv6_is_one_guesser(served: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard, "LOGIN_ATTEMPTS_A_MINUTE", 3)
    app = application(served)
    addresses = [f"2001:db8::{n:x}" for n in range(4)] + ["2001:db8:0:1::1"]
    answers = [
        log_in(httpx.Client(transport=InProcess(app, one), base_url=ORIGIN, headers={"Origin": ORIGIN}), one, "wrong")
        for one in addresses
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 401]


def test_a_link_works_once_and_not_for_long(served: Plane) -> None:
    used, late = link(served), link(served)
    assert browser(served).get(used).headers["location"] == "/"
    assert browser(served).get(used).status_code == 401
    with served.database.writing() as session:
        session.execute(sa.update(LoginLink).values(expires_at=dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)))
    assert browser(served).get(late).status_code == 401
    assert browser(served).get("/login/guessed").status_code == 401


def test_a_session_ends_by_time_and_with_another_password(served: Plane) -> None:
    client = browser(served)
    log_in(client, "anna", PASSWORD)
    with_operator(served)
    assert client.get("/").status_code == 303
    log_in(client, "anna", PASSWORD)
    assert client.get("/").status_code == 200
    with served.database.writing() as session:
        session.execute(sa.update(Login).values(expires_at=dt.datetime.now(dt.UTC)))
    assert client.get("/").status_code == 303


def test_the_audit_has_every_login(served: Plane) -> None:
    client = browser(served)
    log_in(client, "anna", "wrong")
    log_in(client, "anna", PASSWORD)
    client.post("/logout", data={"csrf": csrf(client)})
    with served.database.reading() as session:
        entries = session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(entry.actor, entry.action, entry.result, entry.origin) for entry in entries] == [
        ("anonymous", "operator.login", "refused", "192.0.2.7"),
        ("operator:anna", "operator.login", "ok", "192.0.2.7"),
        ("operator:anna", "operator.logout", "ok", "192.0.2.7"),
    ]


def test_a_proxy_names_the_operator_and_nobody_else_does(tmp_path: Path) -> None:
    made = with_operator(plane(tmp_path, login_header="X-Remote-User", proxies=["10.0.0.0/24"]))
    client = browser(made, address="10.0.0.9")
    named = [
        ("X-Remote-User", "bert"),
        ("X-Forwarded-For", "203.0.113.5"),  # a visitor's own line, before that of a proxy that adds one
        ("X-Forwarded-For", "203.0.113.6, 198.51.100.8, 10.0.0.7"),
    ]
    assert client.get("/login", headers=named).headers["location"] == "/"
    assert "bert" in client.get("/", headers=named).text
    for other in ({}, {"X-Remote-User": "carl"}):
        assert client.get("/", headers=other).status_code == 303, "the proxy names another, or nobody"
    assert client.get("/login").status_code == 403
    assert log_in(client, "anna", PASSWORD).status_code == 403
    with made.database.reading() as session:
        assert session.scalar(sa.select(AuditEntry.origin)) == "198.51.100.8"

    forged = [("X-Remote-User", "anna"), ("X-Remote-User", "bert")]
    assert client.get("/login", headers=forged).status_code == 403, "the visitor's line and the proxy's"

    direct = browser(made, address="192.0.2.7")
    assert direct.get("/login", headers=named).status_code == 200, "past the proxy the header is anybody's"
    assert direct.get("/", headers=named).status_code == 303
    assert log_in(direct, "anna", PASSWORD).status_code == 303


def test_without_a_header_in_the_settings_none_is_believed(tmp_path: Path) -> None:
    client = browser(with_operator(plane(tmp_path, proxies=["10.0.0.0/24"])), address="10.0.0.9")
    assert client.get("/login", headers={"X-Remote-User": "anna"}).status_code == 200


@pytest.mark.parametrize(
    "back", ["//evil.test", "/\\evil.test", "https://evil.test", "javascript:alert(1)", "evil", "", "/a\nb"]
)
def test_a_login_leads_to_this_server(back: str) -> None:
    assert inside(back) == "/"


def test_half_a_character_is_refused(served: Plane) -> None:
    """A form says itself in which character set it is, and Python has some that can write down halves."""
    kind, body = MULTIPART["a character set of Python's"]
    assert browser(served).post("/login", content=body, headers={"Content-Type": kind}).status_code == 422
