"""What the deploy broker decides by itself: which script a run may write, what an app may say, what is kept."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from control_plane import rate_limits
from control_plane.apps import Declaration
from control_plane.broker import attempts, metadata, permission
from control_plane.broker.assets import Sessions
from control_plane.broker.broker import MIB, MIB_A_MINUTE, MIB_AT_ONCE, Broker
from control_plane.broker.forms import of_bytes
from control_plane.broker.identity import Run
from control_plane.broker.permission import Target
from control_plane.broker.pull_requests import PullRequests
from control_plane.broker.refusals import Refused
from control_plane.database import Database
from control_plane.migration import migrate
from control_plane.rate_limits import RateLimit
from control_plane.tables import AuditEntry
from infra.names import Origins
from infra.outputs import PlatformOutputs

ENVIRONMENTS = ("preview", "staging", "production")
PLATFORM = PlatformOutputs(
    account_id="0" * 32,
    platform_environment="development",
    protected=False,
    namespaces={environment: f"overskill-development-{environment}" for environment in ENVIRONMENTS},
    origins=Origins(domain="overskill.com", worker="dispatch", workers_dev="overskill.workers.dev"),
    urls="subdomain",
    plans=["free"],
    default_plan="free",
    oidc_subject=False,
    github_organization="Overskill-Apps",
    template="overskill-apps/template",
    webhook_base="https://overskill.com/webhooks",
    api_base="https://overskill.com/api",
    app_store="0" * 32,
    usage_dataset="usage",
    dispatcher_version="1",
)
BINDINGS = [
    {"type": "plain_text", "name": "OVERSKILL_APP_NAME", "text": "A"},
    {"type": "secret_text", "name": "KEY"},
    {"type": "d1", "name": "DB", "id": "a-database"},
]


def declared(*environments: str) -> Declaration:
    places = {
        environment: {
            "script": f"{environment}-a",
            "namespace": f"overskill-development-{environment}",
            "url": "https://a.overskill.com/",
            "tags": ["app-a"],
            "bindings": BINDINGS,
        }
        for environment in environments or ENVIRONMENTS
    }
    return Declaration(
        app_id="a",
        display_name="A",
        plan="free",
        repository="overskill-apps/a",
        repository_id=1,
        path_url="https://dispatch.overskill.workers.dev/app/a/",
        places=places,
    )


def run(ref: str = "refs/heads/main", **changed: Any) -> Run:
    workflow = f"overskill-apps/a/.github/workflows/deploy-to-wfp.yml@{ref}"
    claims = {
        "repository": "overskill-apps/a",
        "repository_id": "1",
        "repository_owner": "overskill-apps",
        "event_name": "push",
        "ref": ref,
        "sha": "c" * 40,
        "environment": "production",
        "workflow_ref": workflow,
        "job_workflow_ref": workflow,
        "run_id": "12",
        "run_attempt": "1",
        "actor": "anna",
    }
    return Run.model_validate(claims | changed)


@pytest.fixture
def target() -> Target:
    return permission.target(run(), declared(), PLATFORM)


@pytest.mark.parametrize(
    ("made", "script", "tags"),
    [
        (run(), "a", ["app-a"]),
        (run(event_name="workflow_dispatch"), "a", ["app-a"]),
        (run("refs/heads/staging", environment="staging"), "staging-a", ["app-a"]),
        (
            run("refs/pull/12/merge", event_name="pull_request", environment="preview"),
            "preview-a-pr12",
            ["app-a", "pull-request-12"],
        ),
    ],
)
def test_a_run_has_one_script(made: Run, script: str, tags: list[str]) -> None:
    target = permission.target(made, declared(), PLATFORM)
    assert (target.script, target.tags) == (script, tags)


def test_an_app_environment_that_the_app_has_not() -> None:
    made = run("refs/heads/staging", environment="staging")
    with pytest.raises(Refused, match="app a has no app environment staging"):
        permission.target(made, declared("production"), PLATFORM)


def test_a_declaration_of_another_repository_is_never_used() -> None:
    with pytest.raises(Refused, match="is not the repository of app a"):
        permission.target(run(repository_id="2"), declared(), PLATFORM)


def test_the_run_of_a_merged_pull_request_may_remove_its_preview() -> None:
    merged = run(event_name="pull_request", environment=None, ref="refs/heads/main")
    assert permission.removable(merged, declared(), PLATFORM, "preview-a-pr3").pull_request == 3
    with pytest.raises(Refused, match="preview-a-pr3 is removed by a run of its own pull request"):
        permission.removable(run(), declared(), PLATFORM, "preview-a-pr3")


def test_secrets_stay_with_the_script_and_what_is_declared_is_given(target: Target) -> None:
    own = {"type": "json", "name": "LIMITS", "json": {"most": 3}}
    text = {"main_module": "index.js", "bindings": [own, {"type": "inherit", "name": "DB"}, {**BINDINGS[0]}]}
    sent = metadata.parse(json.dumps(text).encode(), target)
    made = metadata.composed(sent, target, None)
    assert made["bindings"] == [BINDINGS[0], BINDINGS[2], own]
    assert made["keep_bindings"] == ["secret_key", "secret_text"]
    assert sent.code() == {"main_module": "index.js", "bindings": [own, BINDINGS[0]]}


@pytest.mark.parametrize("binding", [{"type": "plain_text", "text": "x"}, {"type": "secret_text", "text": "x"}])
def test_a_declared_secret_is_not_taken_over(target: Target, binding: dict[str, str]) -> None:
    text = json.dumps({"bindings": [{**binding, "name": "KEY"}]}).encode()
    with pytest.raises(Refused, match=r"binding KEY is the platform's \(secret_text\)"):
        metadata.parse(text, target)


def test_a_bundle_has_no_secret_and_no_token(target: Target) -> None:
    bindings = [{"type": "secret_text", "name": "S", "text": "s3cret"}]
    text = {"bindings": bindings, "assets": {"jwt": "a-token", "config": {"html_handling": "none"}}}
    sent = metadata.parse(json.dumps(text).encode(), target)
    assert sent.code() == {"bindings": [], "assets": {"config": {"html_handling": "none"}}}
    assert metadata.composed(sent, target, "cloudflares")["assets"]["jwt"] == "cloudflares"


def test_the_hashes_of_an_app_are_its_own_and_stay() -> None:
    sessions = Sessions("root")
    names = {sessions.salted(app_id, "f" * 32) for app_id in ("a", "b", "a")}
    assert len(names) == 2
    assert Sessions("root").salted("a", "f" * 32) in names
    assert all(len(name) == 32 for name in names)


class Clock:
    """Moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(rate_limits.time, "monotonic", lambda: self.now)


def test_a_flood_of_refusals_leaves_a_few_rows_and_their_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, database, refusals = Clock(monkeypatch), Database(f"sqlite:///{tmp_path / 'a.db'}"), attempts.Refusals()
    migrate(database)

    def flood(number: int, **who: str) -> list[AuditEntry]:
        async def refuse() -> None:
            for _ in range(number):
                await attempts.Attempt(database, "192.0.2.7", refusals, **who).refused(Refused(401, "x" * 10**6))

        asyncio.run(refuse())
        with database.reading() as session:
            return list(session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)))

    rows = flood(attempts.ROWS_AT_ONCE + 50)
    assert len(rows) == attempts.ROWS_AT_ONCE
    assert {len(row.details["error"]) for row in rows} == {attempts.SHOWN}
    assert len(flood(1, who="shop")) == len(rows) + 1, "an app has rows of its own"
    clock.now += 6
    last = flood(2)[-1]
    assert (last.id, last.details["and_as_many_more"]) == (len(rows) + 2, 50)
    database.close()


def test_an_app_that_uploads_without_end_has_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, limit = Clock(monkeypatch), RateLimit(MIB_A_MINUTE, "", MIB_AT_ONCE)
    broker = Broker(platform=PLATFORM, gate=None, upstream=None, sessions=None, bundles=None, kept=limit, locks=None)
    large = replace(of_bytes("a.js", b""), size=64 * MIB - 1)
    for _ in range(MIB_AT_ONCE // 64):
        broker.keep("shop", [large])
    with pytest.raises(Refused, match="shop has uploaded more than 2048 MiB: try again in 384 s") as refused:
        broker.keep("shop", [large])
    assert refused.value.status == 429
    broker.keep("other", [large])
    clock.now += 384
    broker.keep("shop", [large])


def test_pull_requests_of_a_renamed_repository_are_found_by_its_old_name() -> None:
    pull = {"number": 1, "state": "open", "head": {"repo": {"id": 7}}, "updated_at": "2026-01-01T00:00:00Z"}

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer planted"
        if request.url.path == "/repositories/7/pulls":
            return httpx.Response(200, json=[pull])
        return httpx.Response(301, headers={"Location": "/repositories/7/pulls"})

    async def found() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
            return [*(await PullRequests("https://github.test", "planted", http).all_open("org/old") or ())]

    assert asyncio.run(found()) == [1]
