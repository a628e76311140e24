"""Webhooks: who is let in, and what becomes of what they say."""

import dataclasses
import datetime as dt
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from inbox_view import deliveries, deploy_events, deployments, worked_off
from prometheus_client import REGISTRY
from server_process import Installation, app_secret, declaration
from server_thread import serving
from webhook_sender import Request, from_github, from_pipeline, notice, sent

from control_plane import apps, inbox, webhooks
from control_plane.notices import Notice
from control_plane.tables import Delivery, Event

NOW = dt.datetime.now(dt.UTC)


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path / 'control-plane.db'}"


@pytest.fixture
def post(installation: Installation) -> Iterator[Callable[[Request], httpx.Response]]:
    """Sends a webhook to a server of this process, which has the apps `shop` and `store`."""
    installation.declare("shop", "store")
    with serving(installation.plane()) as client:
        yield lambda request: client.post(request.path, headers=request.headers, content=request.body)


def workflow_run(action: str, run_id: int = 7, **more: Any) -> dict[str, Any]:
    """GitHub's event of a run of `shop`, after a push to main unless told otherwise."""
    run = {
        "id": run_id,
        "run_attempt": 1,
        "path": ".github/workflows/deploy-to-wfp.yml",
        "event": "push",
        "head_branch": "main",
        "head_sha": f"{run_id:040x}",
        "conclusion": None,
        "html_url": f"http://github.localhost/runs/{run_id}",
        "run_started_at": NOW.isoformat(),
        "updated_at": (NOW + dt.timedelta(seconds=9)).isoformat(),
        **more,
    }
    return {"action": action, "workflow_run": run, "repository": {"id": 1}, "sender": {"login": "octocat"}}


def changed(request: Request, **headers: str | None) -> Request:
    """Underscores stand for hyphens; None takes a header away."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    kept = {name: value for name, value in request.headers.items() if name.lower() not in named}
    return dataclasses.replace(request, headers={**kept, **{k: v for k, v in named.items() if v is not None}})


def started(**more: Any) -> dict[str, Any]:
    return notice("shop", "started", 7, **more)


def signed(**headers: str | None) -> Request:
    """The pipeline's, good but for these headers."""
    return changed(from_pipeline(started()), **headers)


def of_github(secret: str | None = None, **headers: str | None) -> Request:
    """GitHub's, good but for these headers."""
    return changed(from_github("workflow_run", workflow_run("requested"), app_id="shop", secret=secret), **headers)


def new_webhook(secret: str | None = None) -> Request:
    """GitHub's first, of the repository of an app that is not known yet."""
    payload = {"zen": "Design for failure.", "repository": {"id": 77, "name": "soon"}}
    return from_github("ping", payload, app_id="soon", secret=secret)


def rewritten(request: Request, old: bytes, new: bytes) -> Request:
    return dataclasses.replace(request, body=request.body.replace(old, new))


UNSIGNED: dict[str, Callable[[], Request]] = {
    "with another app's secret": lambda: from_pipeline(started(), secret=app_secret("store")),
    "of an app that is not there": lambda: from_pipeline(notice("nobody", "started", 7), secret=app_secret("shop")),
    "changed": lambda: rewritten(signed(), b"octocat", b"mallory"),
    "six minutes old": lambda: from_pipeline(started(), age=360),
    "of the future": lambda: from_pipeline(started(), age=-360),
    "with another id": lambda: signed(webhook_id="msg_other"),
    "with another time": lambda: signed(webhook_timestamp=str(int(time.time()) + 30)),
    "with no time": lambda: signed(webhook_timestamp="inf"),
    "with no signature": lambda: signed(webhook_signature=None),
    "with what is none": lambda: signed(webhook_signature="v1"),
    "with no base64": lambda: signed(webhook_signature="v1,a"),
    "by another version": lambda: signed(webhook_signature=signed().headers["webhook-signature"].replace("v1", "v2")),
    "GitHub's with another app's secret": lambda: of_github(app_secret("store")),
    "GitHub's of another repository": lambda: of_github(x_github_hook_installation_target_id="2"),
    "GitHub's of an unknown repository": lambda: of_github(x_github_hook_installation_target_id="77"),
    "GitHub's of an unknown repository with the secret of no app": lambda: of_github(
        app_secret(""), x_github_hook_installation_target_id="77"
    ),
    "GitHub's first of a new webhook with another app's secret": lambda: new_webhook(app_secret("store")),
    "GitHub's changed": lambda: rewritten(of_github(), b"octocat", b"mallory"),
    "GitHub's with no signature": lambda: of_github(x_hub_signature_256=None),
    "GitHub's by SHA-1": lambda: of_github(x_hub_signature_256="sha1=" + "0" * 40),
}


@pytest.mark.parametrize("case", UNSIGNED)
def test_what_is_not_signed_is_refused_and_counted(installation, post, case):
    request_ = UNSIGNED[case]()
    sender = "github" if "github" in request_.path else "pipeline"

    def counted() -> float:
        return REGISTRY.get_sample_value("overskill_webhooks_total", {"sender": sender, "result": "unsigned"}) or 0

    before = counted()
    answer = post(request_)
    assert answer.status_code == 401
    assert counted() == before + 1
    assert deliveries(installation.database) == 0


def without(told: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in told.items() if key != name}


PULL_REQUEST = {"environment": "preview", "script": "preview-shop-pr2", "pull_request": 1}
PUSH = {"repository": {"id": 2}, "sender": {"login": "octocat"}, "ref": "refs/heads/main", "after": "c0ffee"}

MALFORMED: dict[str, Callable[[], Request]] = {
    "no JSON": lambda: dataclasses.replace(signed(), body=b"{"),
    "no text": lambda: dataclasses.replace(signed(), body=b"\xff\xfe"),
    "a list": lambda: dataclasses.replace(signed(), body=b"[]"),
    "a NUL": lambda: from_pipeline(started(actor="a\0b")),
    "half a character": lambda: rewritten(signed(), b"octocat", b"\\ud800"),
    "a number that no column holds": lambda: from_pipeline(started(run={**started()["run"], "id": 2**63})),
    "a link that runs a script": lambda: from_pipeline(started(url="javascript:alert(1)")),
    "a time without a zone": lambda: from_pipeline(started(at="2026-11-24T12:00:00")),
    "another app's script": lambda: from_pipeline(started(script="store")),
    "another environment's script": lambda: from_pipeline(started(environment="staging")),
    "another pull request's script": lambda: from_pipeline(started(**PULL_REQUEST)),
    "no type": lambda: from_pipeline(without(started(), "type")),
    "no run": lambda: from_pipeline(without(started(), "run")),
    "no app": lambda: from_pipeline(without(started(), "app"), secret=app_secret("shop")),
    "an id without end": lambda: signed(webhook_id="m" * 201),
    "GitHub's of another repository than its hook": lambda: changed(
        from_github("push", PUSH, app_id="shop"), x_github_hook_installation_target_id="1"
    ),
    "GitHub's without what it is to have": lambda: from_github("push", {"repository": {"id": 1}}, app_id="shop"),
    "GitHub's without an id": lambda: of_github(x_github_delivery=None),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_malformed_is_refused(installation, post, case):
    answer = post(MALFORMED[case]())
    assert answer.status_code == 422, answer.text
    assert deliveries(installation.database) == 0


@pytest.mark.parametrize("limit", [2**16, 25 * 2**20], ids=["pipeline", "github"])
@pytest.mark.parametrize("told", [True, False], ids=["its length is told", "its length is not told"])
def test_what_is_too_long_is_refused(installation, limit, told):
    request = of_github() if limit > 2**16 else signed()
    body = b" " * (limit + 1)
    with serving(installation.plane()) as client:
        content = body if told else (body[start : start + 2**16] for start in range(0, len(body), 2**16))
        answer = client.post(request.path, headers=request.headers, content=content)
    assert answer.status_code == 413
    assert str(limit) in answer.json()["detail"]
    assert deliveries(installation.database) == 0


def test_large_bodies_of_nobody_come_a_few_at_once_and_in_time(installation, monkeypatch):
    """Two at once here: what a third one sends is not read beyond what is small until another has ended."""
    monkeypatch.setattr(webhooks, "LARGE_AT_ONCE", 2)
    monkeypatch.setattr(webhooks, "BODY_SECONDS", 6)
    head, large = of_github().headers, b" " * (webhooks.LARGE + 1)

    def never_ending():
        yield large
        time.sleep(7)
        yield b" "

    with serving(installation.plane()) as client, ThreadPoolExecutor() as threads:

        def sent(content):
            return client.post("/webhooks/github", headers=head, content=content).status_code

        held = [threads.submit(sent, never_ending()) for _ in range(2)]
        time.sleep(2)
        waits, small = threads.submit(sent, large), sent(b"{}")
        assert small == 401
        assert not waits.done()
        assert [one.result() for one in held] == [408, 408]
        assert waits.result() in (401, 408)
        assert sent(large) == 401


def test_a_delivery_that_comes_again_has_no_effect(installation, post):
    for request in (from_pipeline(started(), id="msg_1"), of_github()):
        assert [post(request).json()["result"] for _ in range(2)] == ["accepted", "duplicate"]
    assert post(from_pipeline(started(), id="msg_1", age=20)).json()["result"] == "duplicate"
    worked_off(installation.database)
    assert deliveries(installation.database) == 2
    assert deploy_events(installation.database) == {("shop", 7): ["building"]}


def test_ids_of_one_app_are_not_in_the_way_of_another(installation, post):
    for app_id in ("shop", "store"):
        assert post(from_pipeline(notice(app_id, "started", 7), id="msg_1")).json()["result"] == "accepted"
    worked_off(installation.database)
    assert deployments(installation.database) == {("shop", 7): "building", ("store", 7): "building"}


def test_a_late_start_does_not_take_back_a_success(installation, post):
    for type in ("succeeded", "started"):
        post(from_pipeline(notice("shop", type, 7)))
    worked_off(installation.database)
    assert deployments(installation.database) == {("shop", 7): "succeeded"}
    assert deploy_events(installation.database) == {("shop", 7): ["succeeded"]}


@pytest.mark.parametrize(
    ("conclusion", "status"),
    [("cancelled", "cancelled"), ("failure", "failed"), ("timed_out", "failed"), ("success", "succeeded")],
)
def test_a_run_that_ended_without_a_word_is_known_by_github(installation, post, conclusion, status):
    post(from_github("workflow_run", workflow_run("requested"), app_id="shop"))
    post(from_pipeline(started()))
    post(from_github("workflow_run", workflow_run("completed", conclusion=conclusion), app_id="shop"))
    worked_off(installation.database)
    assert deploy_events(installation.database) == {("shop", 7): ["queued", "building", status]}


def test_a_pull_requests_run_is_known_by_what_it_told(installation, post):
    preview = {"environment": "preview", "script": "preview-shop-pr3", "pull_request": 3}
    post(from_pipeline(notice("shop", "started", 7, **preview)))
    for run_id in (7, 8):  # the other one took a preview away, and told of no deploy
        ended = workflow_run("completed", run_id, event="pull_request", head_branch="main", conclusion="failure")
        post(from_github("workflow_run", ended, app_id="shop"))
    worked_off(installation.database)
    assert deployments(installation.database) == {("preview-shop-pr3", 7): "failed"}


@pytest.mark.parametrize(
    "run",
    [
        {"path": ".github/workflows/test.yml"},
        {"head_branch": "topic"},
        {"conclusion": "skipped", "action": "completed"},
    ],
    ids=lambda run: next(iter(run)),
)
def test_runs_that_deploy_nothing_are_no_deployments(installation, post, run):
    payload = workflow_run(run.pop("action", "requested"), **run)
    assert post(from_github("workflow_run", payload, app_id="shop")).json()["result"] == "accepted"
    worked_off(installation.database)
    assert deployments(installation.database) == {}


def test_a_new_webhook_is_answered_before_its_app_is_known(installation, post):
    assert post(new_webhook()).json() == {"result": "ignored"}
    assert deliveries(installation.database) == 0


def test_pushes_and_pull_requests_are_told_to_those_who_watch(installation, post):
    of = {"repository": {"id": 1}, "sender": {"login": "octocat"}}
    post(from_github("push", {**of, "ref": "refs/heads/main", "after": "c0ffee"}, app_id="shop"))
    post(from_github("pull_request", {**of, "action": "opened", "number": 3}, app_id="shop"))
    assert post(from_github("ping", {**of, "zen": "Design for failure."}, app_id="shop")).json()["result"] == "ignored"
    worked_off(installation.database)
    with installation.database.reading() as session:
        told = session.scalars(sa.select(Event).where(Event.type.like("repository.%")).order_by(Event.id)).all()
    assert [(event.app_id, event.type, event.data) for event in told] == [
        ("shop", "repository.push", {"ref": "refs/heads/main", "commit": "c0ffee", "actor": "octocat"}),
        ("shop", "repository.pull_request", {"action": "opened", "pull_request": 3, "actor": "octocat"}),
    ]
    assert deliveries(installation.database) == 2


def test_a_run_that_was_faster_than_the_record_of_its_app_waits_for_it(installation, post):
    post(from_pipeline(notice("brandnew", "started", 7)))
    with pytest.raises(AssertionError, match="there is no app brandnew"):
        worked_off(installation.database, seconds=5)
    with installation.database.writing() as session:
        apps.declare(session, declaration("brandnew", 3), actor="system")
    worked_off(installation.database)
    assert deployments(installation.database) == {("brandnew", 7): "building"}


def test_what_an_app_told_that_is_no_longer_there_is_dropped_after_an_hour(installation):
    told = Notice.model_validate(notice("gone", "started", 7)).model_dump(mode="json")
    long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(hours=2)
    row = {"key": "pipeline:gone:1", "event": "pipeline", "app_id": "gone", "body": told, "next_at": long_ago}
    with installation.database.writing() as session:
        session.add(Delivery(**row, received_at=long_ago))
    inbox.work_off(installation.database)
    worked_off(installation.database, seconds=0)


def test_one_that_can_not_be_worked_off_is_kept_and_holds_up_no_other(installation, post, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setitem(inbox.TAKERS, "github.workflow_run", lambda *_: json.loads("{"))
        post(of_github())
        post(from_pipeline(notice("shop", "started", 8)))
        with pytest.raises(AssertionError, match="JSONDecodeError"):
            worked_off(installation.database, seconds=5)
        assert deployments(installation.database) == {("shop", 8): "building"}
    worked_off(installation.database)
    assert deployments(installation.database) == {("shop", 8): "building", ("shop", 7): "queued"}


def test_secrets_are_in_no_answer_and_no_row(installation, post):
    requests = [signed(), *(case() for case in (UNSIGNED | MALFORMED).values())]
    answers = [post(request).text for request in requests]
    worked_off(installation.database)
    with installation.database.reading() as session:
        kept = json.dumps([delivery.body for delivery in session.scalars(sa.select(Delivery))])
    for secret in (app_secret("shop"), app_secret("store"), requests[0].headers["webhook-signature"]):
        assert secret not in kept + "".join(answers)


def test_of_those_that_come_at_once_with_one_id_one_is_taken(installation):
    installation.declare("shop")
    request = from_pipeline(started())
    with serving(installation.plane()) as client:
        answers = sent(client.base_url.port, [request] * 20, connections=20)
    assert {answer.status for answer in answers} == {202}
    assert deliveries(installation.database) == 1
