"""Who may see a protected preview: holders of a signed link and of the platform's login cookie."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from dispatch_harness import ACCESS, PAGE, AppStore, Platform, dispatching, echo
from edge_harness import RunningEdge

KEY = ACCESS["keys"][0]["key"]
BOUND = [{"name": "ACCESS_KEY", "type": "secret_text", "text": KEY}]
CLOSED = Platform(settings={"protectedEnvironments": ["preview"]}, bindings=BOUND)
LOGIN = Platform(
    name="login",
    domain="login.localhost",
    settings={"protectedEnvironments": ["preview"], "loginUrl": "https://overskill.com/login?from=apps"},
    bindings=BOUND,
)
KEYLESS = Platform(name="keyless", domain="keyless.localhost", settings={"protectedEnvironments": ["preview"]})
ZONE, WORKERS_DEV = CLOSED.domain, CLOSED.path_host
PREVIEW = f"preview-abc123.{ZONE}"


@pytest.fixture(scope="module")
def edge(workerd_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEdge]:
    scripts = {
        ("production", "abc123"): echo("abc123"),
        **{("preview", name): echo(name) for name in ("preview-abc123", "preview-abc123-pr12", "preview-other")},
    }
    directory = tmp_path_factory.mktemp("dispatch")
    store = AppStore(directory / "cloud.sqlite3", "apps")
    with dispatching(workerd_binary, directory, [CLOSED, LOGIN, KEYLESS], scripts, store=store) as running:
        yield running


def token(scope: str, *, key: str = KEY, expired: bool = False) -> str:
    return next(
        case["token"]
        for case in ACCESS["tokens"]
        if (case["scope"], case["key"], case["expires"] < time.time()) == (scope, key, expired)
    )


def link(scope: str) -> dict[str, str]:
    return {"overskill-access": token(scope)}


def cookie(name: str, value: str) -> dict[str, str]:
    return {"cookie": f"a=b; overskill-{name}={value}"}


def test_a_preview_is_closed_and_production_is_open(edge):
    answer = edge.get(PREVIEW)
    assert (answer.status_code, answer.json()["code"]) == (403, "private")
    assert "This preview is private" in edge.get(PREVIEW, headers=PAGE).text
    assert edge.get(f"abc123.{ZONE}").status_code == 200


@pytest.mark.parametrize("case", ACCESS["tokens"], ids=lambda case: case["token"][:20])
def test_a_link_opens_its_script_alone_until_it_ends(edge, case):
    opens = case["key"] == KEY and case["scope"] == "preview-abc123" and case["expires"] > time.time()
    answer = edge.get(PREVIEW, params={"overskill-access": case["token"]})
    assert answer.status_code == (302 if opens else 403)


def test_a_link_becomes_a_cookie_of_the_host_and_goes_out_of_the_address(edge):
    query = f"?a=b%20c&overskill-access={token('preview-abc123')}&d"
    answer = edge.get(PREVIEW, f"/x%2Fy{query}")
    assert answer.headers["location"] == f"http://{PREVIEW}:{edge.port}/x%2Fy?a=b%20c&d"
    value, *attributes = answer.headers["set-cookie"].split("; ")
    assert value == f"overskill-access={token('preview-abc123')}"
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} < {*attributes}
    assert not any(attribute.startswith("Domain") for attribute in attributes)
    seen = edge.get(PREVIEW, headers={"cookie": value}).json()
    assert (seen["app"], seen["headers"].get("cookie")) == ("preview-abc123", None)


def test_on_the_path_url_the_cookie_is_of_that_path(edge):
    answer = edge.get(WORKERS_DEV, "/app/preview-abc123/", params=link("preview-abc123"))
    assert answer.headers["location"] == f"http://{WORKERS_DEV}:{edge.port}/app/preview-abc123/"
    assert "Path=/app/preview-abc123/;" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (cookie("login", token("*")), 200),
        (cookie("login", f"forged; overskill-login={token('*')}"), 200),
        (cookie("access", token("preview-abc123")), 200),
        (cookie("access", token("*")), 403),
        (cookie("login", token("preview-abc123")), 403),
        (cookie("access", token("preview-abc123-pr12")), 403),
        (cookie("access", token("preview-abc123", expired=True)), 403),
        (cookie("login", token("*", key=ACCESS["keys"][1]["key"])), 403),
        (cookie("access", token("preview-abc123")[:-1]), 403),
        (cookie("access", f"9{token('preview-abc123')}"), 403),
        (cookie("access", "." * 44), 403),
    ],
)
def test_cookies(edge, headers, status):
    assert edge.get(PREVIEW, headers=headers).status_code == status


def test_without_its_key_a_platform_opens_nothing(edge):
    answer = edge.get(f"preview-abc123.{KEYLESS.domain}", params=link("preview-abc123"))
    assert answer.status_code == 403


def test_a_browser_is_sent_to_the_login(edge):
    host = f"preview-abc123.{LOGIN.domain}"
    answer = edge.get(host, "/x?y=z", headers=PAGE)
    assert answer.status_code == 302
    back = f"http%3A%2F%2F{host}%3A{edge.port}%2Fx%3Fy%3Dz"
    assert answer.headers["location"] == f"https://overskill.com/login?from=apps&return_to={back}"
    assert edge.get(host, "/x").status_code == 403
    assert edge.get(host, "/x", method="POST", headers=PAGE).status_code == 403
