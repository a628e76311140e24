"""What every request passes, and what is written of it: names, headers, limits, figures, logs without secrets."""

import datetime as dt
import json
import logging
import sys
from pathlib import Path

import pytest
from control_plane_settings import SECRETS, browser, declare_app, plane, settings
from fastapi import HTTPException
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from control_plane import access, deployments, guard, health, logs, rate_limits, traces
from control_plane.state import Plane
from control_plane.tables import Delivery

PLANTED = [
    "osk_" + "k3V9" * 11,
    "ghp_" + "A1b2" * 9,
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyZXBvIn0.c2lnbmF0dXJl",
    "5f" * 32,
    "K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    "q7-Zr_" * 7,
    "hunter2hunter2",
    *SECRETS.values(),
]
TEXT = "Authorization: Bearer {}, token {}, {}, sha256={}, v1,{}, /login/{}, postgresql://app:{}@db/x, {} {} {}".format(
    *PLANTED
)


def line(state: Path, message: str, *args: object, **extra: object) -> str:
    record = logging.getLogger("test").makeRecord("test", logging.INFO, "f", 1, message, args, None, extra=extra)
    return logs.JsonLines(logs.Redaction(settings(state))).format(record)


def test_no_secret_is_in_a_log_wherever_it_stands(tmp_path: Path) -> None:
    try:
        raise ValueError(TEXT)
    except ValueError:
        failed = logging.LogRecord("test", logging.ERROR, "f", 1, "failed", (), sys.exc_info())
    formatter = logs.JsonLines(logs.Redaction(settings(tmp_path)))
    lines = [
        line(tmp_path, TEXT),
        line(tmp_path, "headers: %s", {"authorization": [TEXT]}),
        line(tmp_path, "extra", sent={"body": [TEXT]}, path=Path("/x") / PLANTED[0]),
        formatter.format(failed),
    ]
    assert [(secret, told) for told in lines for secret in PLANTED if secret in told] == []
    assert all(logs.MASK in told and json.loads(told) for told in lines)


def test_what_is_no_secret_stays(tmp_path: Path) -> None:
    told = json.loads(line(tmp_path, "deployed %s in %.1f s", "abc123", 2.5, status=201, app="token-shop"))
    assert told["message"] == "deployed abc123 in 2.5 s"
    assert (told["status"], told["app"], told["level"], told["logger"]) == (201, "token-shop", "info", "test")


@pytest.mark.parametrize("host", ["evil.test", "127.0.0.1.evil.test", "", "[", "user@evil.test"])
def test_another_name_gets_nothing(tmp_path: Path, host: str) -> None:
    client = browser(plane(tmp_path))
    assert client.get("/login", headers={"Host": host}).status_code == 421
    assert client.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/apps/a%00", "/login?back=%00", "/api/deploy/accounts/%00"])
def test_an_address_with_a_nul_gets_nothing(tmp_path: Path, path: str) -> None:
    assert browser(plane(tmp_path)).get(path).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1:8786", "localhost", "control.overskill.test", "10.0.0.3:80"])
def test_its_own_names_are_answered(tmp_path: Path, host: str) -> None:
    made = plane(tmp_path, public_url="https://control.overskill.test", trusted_hosts=["10.0.0.3"])
    assert browser(made).get("/login", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/login", "/static/style.css", "/none", "/api/openapi.json"])
def test_every_answer_binds_the_browser(tmp_path: Path, path: str) -> None:
    headers = browser(plane(tmp_path)).get(path).headers
    expected = guard.HEADERS | ({"Cache-Control": "no-cache"} if path.startswith("/static") else {})
    assert {name: headers.get(name) for name in expected} == expected
    assert len(headers["x-request-id"]) == 32


def test_pages_have_nothing_inline(tmp_path: Path) -> None:
    """The policy would refuse it; here it is found without a browser."""
    page = browser(plane(tmp_path)).get("/login").text
    for inline in ("<style", " style=", " onclick=", "javascript:", "<script>"):
        assert inline not in page
    assert page.count("<script src=") == page.count("</script>") > 0


def test_a_request_id_is_taken_from_a_proxy_alone(tmp_path: Path) -> None:
    made = plane(tmp_path, proxies=["10.0.0.0/24"])
    headers = {"X-Request-Id": "of-the-proxy-1"}
    assert browser(made, address="10.0.0.9").get("/health", headers=headers).headers["x-request-id"] == "of-the-proxy-1"
    assert browser(made).get("/health", headers=headers).headers["x-request-id"] != "of-the-proxy-1"


def test_a_limit_lets_through_as_many_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(rate_limits.time, "monotonic", lambda: now)
    limit = rate_limits.RateLimit(3, "too often")
    for _ in range(3):
        limit.take("a")
    with pytest.raises(HTTPException, match="too often; try again in 20 s") as refused:
        limit.take("a")
    assert (refused.value.status_code, refused.value.headers) == (429, {"Retry-After": "20"})
    limit.take("b")
    now += 20
    limit.take("a")
    with pytest.raises(HTTPException):
        limit.take("a")


def test_a_token_that_calls_too_often_has_to_wait(tmp_path: Path) -> None:
    made = plane(tmp_path, api_calls_a_minute=1)
    with made.database.writing() as session:
        token = access.issue(session, "prometheus", ["metrics:read"])
    client = browser(made)
    answers = [client.get("/metrics", headers={"Authorization": f"Bearer {token}"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]


def figures(made: Plane) -> str:
    with made.database.writing() as session:
        token = access.issue(session, f"prometheus-{id(session)}", ["metrics:read"])
    answer = browser(made).get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    return answer.text


def delivery(made: Plane, **changed: object) -> None:
    now = dt.datetime.now(dt.UTC)
    content = {"event": "github.push", "app_id": "abc123", "body": {}, "received_at": now, "attempts": 0}
    with made.database.writing() as session:
        session.add(Delivery(key="github:1", done_at=None, error=None, **{**content, "next_at": now, **changed}))


def test_figures_tell_what_is_so_and_name_nobody(tmp_path: Path) -> None:
    made = plane(tmp_path)
    declare_app(made, "abc123")
    delivery(made)
    progress = deployments.Progress(
        app_id="abc123",
        environment="production",
        script="abc123",
        run_id=1,
        run_attempt=1,
        commit="c0ffee",
        status="building",
        at=dt.datetime.now(dt.UTC),
    )
    with made.database.writing() as session:
        deployments.record(session, progress)
    browser(made).get("/apps/abc123")
    told = figures(made)
    assert 'overskill_deployments{status="building"} 1.0' in told
    assert "overskill_inbox_depth 1.0" in told
    assert 'overskill_request_seconds_count{method="GET",route="/apps/{app_id}",status="303"}' in told
    assert "abc123" not in told


def test_it_is_ready_as_long_as_the_inbox_is_worked_off_and_the_database_answers(tmp_path: Path) -> None:
    made = plane(tmp_path)
    assert browser(made).get("/ready").json() == {"database": "ok", "inbox": "ok"}
    delivery(made, next_at=dt.datetime.now(dt.UTC) - health.STUCK * 1.1)
    stuck = browser(made).get("/ready")
    assert (stuck.status_code, stuck.json()["database"]) == (503, "ok")
    assert "5 minutes" in stuck.json()["inbox"]
    made.database.engine.dispose()
    (tmp_path / "control-plane.db").write_bytes(b"no database any more" * 100)
    gone = browser(made).get("/ready")
    assert (gone.status_code, gone.json()["database"]) == (503, "not reached")


@pytest.mark.parametrize("collector", ["", "http://127.0.0.1:4318"])
def test_traces_are_sent_where_they_are_collected_and_have_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, collector: str
) -> None:
    sent = InMemorySpanExporter()
    monkeypatch.setenv(traces.COLLECTOR, collector)
    monkeypatch.setattr(traces, "OTLPSpanExporter", lambda: sent)
    monkeypatch.setattr(traces, "BatchSpanProcessor", SimpleSpanProcessor)
    client = browser(plane(tmp_path))
    for path in ("/health", "/login/the-key", "/apps/abc123"):
        client.get(path)
    spans = sent.get_finished_spans()
    names = {span.name for span in spans if span.kind is SpanKind.SERVER}
    assert names == ({"GET /apps/{app_id}"} if collector else set())
    assert "the-key" not in "".join(span.to_json() for span in spans)
