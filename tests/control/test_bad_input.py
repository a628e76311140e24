"""The corpus of bad input at every route of the control plane: refused or harmless, and nothing of it is kept."""

import hashlib
import hmac
import json
import re
import uuid
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args
from urllib.parse import quote

import httpx
import pytest
import schemathesis
import sqlalchemy as sa
from argon2 import PasswordHasher
from corpus import FORMS, JSON, MULTIPART, TEXTS
from every_route import routes
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import response_schema_conformance
from server_process import Installation, app_secret
from server_thread import serving
from webhook_sender import Request, from_github, from_pipeline, notice

from control_plane import access, app_states, dashboard, operators
from control_plane.application import application
from control_plane.state import Plane
from control_plane.tables import Table

PASSWORD = "correct horse battery"
NOBODY = "http://127.0.0.1:9"
"""Where nothing listens."""
NEIGHBOURS = ("oidc_issuer", "cloudflare_url", "github_url")

QUERY = ("q", "after", "before", "limit", "state", "subject", "actor", "script", "app", "back", "month")
"""Every name that a route's query has."""

HARMLESS = {503}
"""Besides all below 500: it was asked right, for what needs an engine or the issuer's keys, which are not here."""

NOT_KEPT = {"audit", "logins", "operators", "access_tokens", "alembic_version"}
"""Tables that are not compared: refusals belong into the audit, and an operator is logged in."""


some = pytest.mark.parametrize("share", [5, pytest.param(1, marks=pytest.mark.slow)], ids=["a fifth", "all"])


def chosen(cases: Mapping[str, Any], number: int, share: int) -> Sequence[tuple[str, Any]]:
    """One case of so many; others for another number."""
    return list(cases.items())[number % share :: share]


@pytest.fixture
def plane(installation: Installation) -> Plane:
    return installation.declare("shop").plane(api_calls_a_minute=10**9, **dict.fromkeys(NEIGHBOURS, NOBODY))


@pytest.fixture
def client(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """Of somebody who may do everything, so that nothing but the input is a reason to refuse."""
    for name in ("state", "set_state", "clear_state"):
        monkeypatch.setattr(app_states.AppStore, name, lambda *_: None)
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(operators, "_hasher", cheap)
    monkeypatch.setattr(operators, "_NOBODY", cheap.hash("nobody's"))
    monkeypatch.setattr(dashboard, "LOGIN_ATTEMPTS_A_MINUTE", 10**9)
    monkeypatch.setattr(dashboard, "PASSWORDS_A_MINUTE", 10**9)
    with plane.database.writing() as session:
        token = access.issue(session, "mighty", list(get_args(access.Scope)))
        operators.set_password(session, "anna", PASSWORD)
        cookie = operators.log_in(session, "anna")
    with serving(plane) as made:
        origin = str(made.base_url).rstrip("/")
        made.headers.update({"Authorization": f"Bearer {token}", "Origin": origin, "Accept": "application/json"})
        made.headers["Cookie"] = f"overskill-{plane.settings.port}={cookie}"
        yield made


@pytest.fixture
def every_route(plane: Plane) -> list[str]:
    """But for streams, which don't end."""
    return [name for name in routes(application(plane).routes) if not name.endswith(("/events", "/live"))]


@pytest.fixture
def kept(plane: Plane, installation: Installation) -> Iterator[None]:
    """What there was, with the app of `plane`, is what there is."""
    before = rows(installation)
    yield
    assert rows(installation) == before


def rows(installation: Installation) -> dict[str, list[tuple[Any, ...]]]:
    with installation.database.reading() as session:
        return {
            table.name: sorted(map(tuple, session.execute(sa.select(table))), key=repr)
            for table in Table.metadata.sorted_tables
            if table.name not in NOT_KEPT
        }


def survives(answer: httpx.Response, what: str) -> None:
    assert answer.status_code < 500 or answer.status_code in HARMLESS, f"{what}: {answer.status_code} {answer.text}"


def encoded(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


@pytest.mark.usefixtures("kept")
@some
def test_no_route_fails_whatever_it_is_sent(
    client: httpx.Client, every_route: list[str], share: int, tried: Counter
) -> None:
    for number, name in enumerate(every_route):
        method, path = name.split()
        known = path.replace("{app_id}", "shop")
        for case, text in chosen(TEXTS, number, share):
            if len(text) > 500:
                continue  # so often, it is longer than an address may be
            asked = re.sub(r"\{[^}]*\}", lambda _, text=text: encoded(text), path)
            query = "&".join(f"{one}={encoded(text)}" for one in QUERY)
            survives(client.request(method, f"{asked}?{query}"), f"{name} with {case}")
            tried["addresses"] += 1
        if method == "GET":
            continue
        for case, body in chosen(JSON, number, share):
            asked = re.sub(r"\{[^}]*\}", "1", known)
            survives(client.request(method, asked, content=body, headers={"Content-Type": "application/json"}), case)
            tried["JSON"] += 1
        for case, (kind, body) in chosen(BODIES, number, share):
            asked = re.sub(r"\{[^}]*\}", "1", known)
            survives(client.request(method, asked, content=body, headers={"Content-Type": kind}), f"{name}: {case}")
            tried["forms"] += 1


BODIES = {**{case: ("application/x-www-form-urlencoded", body) for case, body in FORMS.items()}, **MULTIPART}
FIELDS = (
    "app_id",
    "display_name",
    "customer",
    "plan",
    "template",
    "visibility",
    "team",
    "probe_path",
    "reason",
    "state",
)


@pytest.mark.usefixtures("kept")
@some
def test_no_field_of_a_request_fails(client: httpx.Client, share: int, tried: Counter) -> None:
    """One field is bad, all others are right."""
    values = {**TEXTS, **{repr(one): one for one in (None, True, 0, -1, 2**63, 1.5, [], {}, [[]], {"a": None})}}
    for number, field in enumerate(FIELDS):
        for _, value in chosen(values, number, share):
            request = {"app_id": "shop", "customer": "acme", field: value}
            body = json.dumps(request).encode()
            survives(client.post("/api/apps", content=body), f"{field} {value!a:.60}")
            tried["JSON"] += 1
    for _, text in chosen(TEXTS, 0, share):
        for key, told in (("NAME", text), (text, "x")):
            body = json.dumps({"app_id": "shop", "variables": {key: told}, "collaborators": {told: key}}).encode()
            survives(client.post("/api/apps", content=body), f"{key!a:.30} {told!a:.30}")
            tried["JSON"] += 1


@some
def test_no_field_of_a_form_fails(client: httpx.Client, installation: Installation, share: int, tried: Counter) -> None:
    page = client.get("/apps/shop", headers={"Accept": "text/html"})
    token = re.search('name="csrf" value="([^"]+)"', page.text)
    for _, text in chosen(TEXTS, 0, share):
        form = {"csrf": token and token[1], "reason": text, "state": "suspended"}
        urlencoded = "&".join(f"{name}={encoded(value)}" for name, value in form.items())
        answers = [
            client.post("/apps/shop/suspend", content=urlencoded, headers=FORM),
            client.post("/login", content=f"name={encoded(text)}&password={encoded(text)}", headers=FORM),
            client.post("/api/apps/shop/suspend", content=json.dumps({"reason": text}).encode()),
        ]
        for answer in answers:
            survives(answer, f"{text!a:.60}")
            tried["forms"] += 1
    with installation.database.reading() as session:
        assert operators.login(installation.database, "") is None
        assert session.scalar(sa.text("SELECT count(*) FROM operators")) == 1


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.usefixtures("kept")
@some
def test_no_signed_webhook_fails_or_leaves_anything(client: httpx.Client, share: int, tried: Counter) -> None:
    """The sender is who it says: what is wrong is the body, or one field of it."""
    for request in list(bad_deliveries())[::share]:
        answer = client.post(request.path, content=request.body, headers=request.headers)
        assert 400 <= answer.status_code < 500 or answer.json() == {"result": "ignored"}, request.body[:100]
        tried["webhooks"] += 1


def bad_deliveries() -> Iterator[Request]:
    right = notice("shop", "started", 7)
    for body in JSON.values():
        yield signed_notice(body)
        yield signed_event(body)
    for field in right.keys() - {"actor", "commit"}:
        for value in (*BAD_VALUES, *TEXTS.values()):
            if (field, value) != ("pull_request", None):
                yield signed_notice(json.dumps({**right, field: value}).encode())
    for field in ("id", "attempt", "url"):
        for value in BAD_VALUES:
            yield signed_notice(json.dumps({**right, "run": {**right["run"], field: value}}).encode())


BAD_VALUES = (None, 0, -1, 2**63, 1.5, [], {}, "", "\x00", "a" * 30_000)


def signed_notice(body: bytes) -> Request:
    good = from_pipeline(notice("shop", "started", 7))
    identity, at = good.headers["webhook-id"], good.headers["webhook-timestamp"]
    signed = hmac.new(app_secret("shop").encode(), f"{identity}.{at}.".encode() + body, hashlib.sha256).digest()
    return replace(good, body=body, headers={**good.headers, "webhook-signature": f"v1,{b64encode(signed).decode()}"})


def signed_event(body: bytes) -> Request:
    good = from_github("push", {"repository": {"id": 1}}, app_id="shop")
    signature = hmac.new(app_secret("shop").encode(), body, hashlib.sha256).hexdigest()
    headers = {**good.headers, "X-Hub-Signature-256": f"sha256={signature}", "X-GitHub-Delivery": str(uuid.uuid4())}
    return replace(good, body=body, headers=headers)


EXAMPLES = 3
MANY_EXAMPLES = 100


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_call_is_as_it_is_described(installation: Installation, tried: Counter) -> None:
    tried["OpenAPI"] += described(installation, EXAMPLES)


@pytest.mark.slow
def test_every_call_is_as_it_is_described_whatever_is_made_up(installation: Installation, tried: Counter) -> None:
    tried["OpenAPI"] += described(installation, MANY_EXAMPLES)


def described(installation: Installation, examples: int) -> int:
    """Calls that the API's description allows, and such as it does not, at a real server; how many there were."""
    server = installation.declare("shop").server(api_calls_a_minute=str(10**9), **dict.fromkeys(NEIGHBOURS, NOBODY))
    called = 0
    with installation.client(server) as client:
        schema = schemathesis.openapi.from_dict(client.get("/api/openapi.json").json()).exclude(path_regex="/events$")
        for operation in (found.ok() for found in schema.get_all_operations()):
            modes = [operation.as_strategy(generation_mode=mode) for mode in GenerationMode]

            @settings(
                max_examples=examples,
                deadline=None,
                derandomize=True,
                database=None,
                phases=[Phase.explicit, Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=st.one_of(modes))
            def answered(case: schemathesis.Case) -> None:
                nonlocal called
                called += 1
                answer = case.call(base_url=server.url, headers=dict(client.headers))
                assert answer.status_code < 500 or answer.status_code in HARMLESS, (case.as_curl_command(), answer.text)
                if answer.status_code not in HARMLESS:
                    case.validate_response(answer, checks=[response_schema_conformance])

            answered()
    return called
