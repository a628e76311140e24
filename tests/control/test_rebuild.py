"""The drill: fifty apps lose their scripts, and have them back from what is kept, each with its own content."""

import asyncio
import base64
import hashlib
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import sqlalchemy as sa
from broker_world import ACCOUNT, JAVASCRIPT, NAMESPACES, PLATFORM, WORKFLOW, broker, claims, declaration, form
from contract_process import Process, running

from control_plane import audit
from control_plane.apps import Declaration
from control_plane.broker.bundles import Bundles, Folder
from control_plane.broker.kept import Uploader
from control_plane.broker.upstream import Upstream
from control_plane.database import Database
from control_plane.locks import ScriptLocks
from control_plane.migration import migrate
from control_plane.provisioning import probe
from control_plane.rebuilding import Rebuilder
from control_plane.settings import Settings
from control_plane.tables import App, Deployment
from infra.outputs import PlatformOutputs
from local_cloud.state import StateDirectory
from overskill.errors import CommandError
from overskill.fleet.budget import Budget
from overskill.fleet.limits import PUBLISHED
from overskill.rebuild.journal import Journal
from overskill.rebuild.report import Report, bound
from overskill.rebuild.run import Plan, Run

APPS = 50
SECRET, FOREIGN, NEVER = "app-07", "app-08", "app-09"
"""An app with a secret, one with data of its account, and one that was never deployed."""

DISPATCHER = """
export default { fetch(request, env) {
  const url = new URL(request.url);
  const [, namespace, script, ...path] = url.pathname.split("/");
  url.pathname = path.join("/");
  return env[namespace].get(script).fetch(new Request(url, request));
} };
"""
CODE = "export default { fetch(_, env) { return Response.json([NAME, env.GREETING, env.KEY ?? null]); } };"


@dataclass
class Drill:
    """The local cloud with the apps deployed on it, and what their control plane keeps."""

    cloud: Process
    database: Database
    state: Path
    settings: Settings

    def rebuilder(self, outputs: PlatformOutputs | None = None, into: Database | None = None) -> Rebuilder:
        own = Bundles(Folder(self.state / "bundles"))
        target = Bundles(Folder(self.state / "elsewhere")) if into else own
        token = self.settings.cloudflare_api_token.get_secret_value()
        return Rebuilder(
            database=into or self.database,
            uploader=Uploader(account=ACCOUNT, upstream=Upstream(self.settings.cloudflare_url, token), bundles=target),
            locks=ScriptLocks(self.database, self.state / "locks"),
            source=self.database,
            bundles=own,
            seconds=20,
            actor="command:anna",
        )

    def run(self, rebuilder: Rebuilder, outputs: PlatformOutputs, apps: list[str] | None = None, **more: Any) -> Run:
        plan = Plan.of(rebuilder, outputs, more.pop("account", ACCOUNT), apps or [])
        texts = {SECRET: {"KEY": "s3cret"}} | more.pop("texts", {})
        return Run(rebuilder, plan, Journal(self.state, anew=False), lambda app: texts.get(app, {}), "local")

    def made(self, run: Run, limits: Any = ()) -> bool:
        async def carried_out() -> bool:
            try:
                return await run.carry_out(Budget(limits), 8, lambda _: None)
            finally:
                await run._rebuilder.uploader.upstream.close()

        return asyncio.run(carried_out())

    def lose(self, environment: str = "production") -> None:
        """The namespace goes with all of its scripts, and is there again, empty."""
        namespaces = f"/client/v4/accounts/{ACCOUNT}/workers/dispatch/namespaces"
        self.cloud.api("DELETE", f"{namespaces}/{NAMESPACES[environment]}")
        self.cloud.api("POST", namespaces, json={"name": NAMESPACES[environment]})

    def scripts(self, environment: str = "production") -> set[str]:
        path = f"/client/v4/accounts/{ACCOUNT}/workers/dispatch/namespaces/{NAMESPACES[environment]}/scripts"
        return {script["id"] for script in self.cloud.api("GET", path, params={"limit": 1000}).json()["result"]}


def app_of(number: int, edge: str) -> Declaration:
    """In production alone, at a path of the dispatcher's."""
    name = f"app-{number:02}"
    made = declaration(name, number + 1)
    own = {"type": "plain_text", "name": "OVERSKILL_ENVIRONMENT", "text": "production"}
    more = {SECRET: [{"type": "secret_text", "name": "KEY"}], FOREIGN: [{"type": "d1", "name": "DB", "id": "0" * 36}]}
    place = made.places["production"]
    url = f"http://front.overskill.workers.localhost:{httpx.URL(edge).port}/production/{name}/"
    place = place.model_copy(update={"url": url, "bindings": [*place.bindings, own, *more.get(name, [])]})
    return made.model_copy(update={"places": {"production": place}})


def deployed(url: str, issuer: str, signing: tuple[Any, str], app: str, number: int) -> None:
    """As wrangler does it: a session, the file, the script. `signing`: the issuer's key, and its id."""
    key, kid = signing
    organization = PLATFORM["github_organization"]
    content = claims(app, number, run_id=str(number)) | {"iss": issuer}
    content["workflow_ref"] = f"{organization}/{app}/{WORKFLOW}@refs/heads/main"
    token = jwt.encode(content, key, "RS256", {"kid": kid})
    body = json.dumps({"app": app}).encode()
    own = hashlib.sha256(body).hexdigest()[:32]
    root = f"{url}/api/deploy/accounts/{ACCOUNT}/workers"
    script = f"{root}/dispatch/namespaces/{NAMESPACES['production']}/scripts/{app}"
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=60) as client:
        manifest = {"/.well-known/overskill.json": {"hash": own, "size": len(body)}}
        opened = client.post(f"{script}/assets-upload-session", json={"manifest": manifest}).json()["result"]
        completed = opened["jwt"]
        if opened["buckets"]:
            files = [(own, (own, base64.b64encode(body), "application/json"))]
            headers = {"Authorization": f"Bearer {opened['jwt']}"}
            uploaded = client.post(f"{root}/assets/upload?base64=true", files=files, headers=headers)
            completed = uploaded.json()["result"]["jwt"]
        variables = [{"type": "plain_text", "name": "GREETING", "text": f"hello from {app}"}]
        metadata = form({"main_module": "code.js", "assets": {"jwt": completed}, "bindings": variables})
        module = ("code.js", ("code.js", CODE.replace("NAME", json.dumps(app)), JAVASCRIPT))
        answer = client.put(script, files=[metadata[0], module])
        assert answer.status_code == 200, answer.text


def front(cloud: Process) -> None:
    """The dispatcher, as an account Worker at its workers.dev address."""
    worker = f"/client/v4/accounts/{ACCOUNT}/workers/scripts/front"
    bindings = [{"type": "dispatch_namespace", "name": name, "namespace": its} for name, its in NAMESPACES.items()]
    metadata = {"main_module": "index.js", "compatibility_date": "2026-01-01", "bindings": bindings}
    parts = [("metadata", (None, json.dumps(metadata))), ("index.js", ("index.js", DISPATCHER, JAVASCRIPT))]
    cloud.api("PUT", worker, files=parts)
    cloud.api("POST", f"{worker}/subdomain", json={"enabled": True})


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    if not os.environ.get("OVERSKILL_WORKERD"):
        pytest.skip("OVERSKILL_WORKERD names no program")
    folder = tmp_path_factory.mktemp("rebuild")
    with running(folder / "cloud", Path(os.environ["OVERSKILL_WORKERD"])) as cloud:
        for namespace in NAMESPACES.values():
            path = f"/client/v4/accounts/{ACCOUNT}/workers/dispatch/namespaces"
            cloud.api("POST", path, json={"name": namespace})
        front(cloud)
        tokens = json.loads((cloud.state / "credentials.json").read_text())
        issuer, key = f"{cloud.url}/_actions/oidc", StateDirectory(cloud.state).oidc_key()
        kid = httpx.get(f"{issuer}/.well-known/jwks", trust_env=False).json()["keys"][0]["kid"]
        state = folder / "control-plane"
        settings = Settings(
            platform_stack="local",
            platform=PLATFORM,
            state=state,
            database_url=f"sqlite:///{folder / 'control-plane.db'}",
            webhook_secret="the-root-of-all-others",
            cloudflare_url=f"{cloud.url}/client/v4",
            cloudflare_api_token=tokens["cloudflare_token"],
            github_url=f"{cloud.url}/api/v3",
            github_token=tokens["github_token"],
            oidc_issuer=issuer,
        )
        declared = [app_of(number, cloud.edge_url) for number in range(APPS)]
        with broker(settings, *declared) as (database, url), ThreadPoolExecutor(4) as threads:
            deploys = [
                threads.submit(deployed, url, issuer, (key, kid), app.app_id, app.repository_id)
                for app in declared
                if app.app_id not in (NEVER, FOREIGN)
            ]
            for deploy in deploys:
                deploy.result()
            yield Drill(cloud, database, state, settings)


def content_of(number: int, cloud: Process) -> list[Any]:
    answer = probe.answer(app_of(number, cloud.edge_url).places["production"].url)
    return answer.json() if answer.headers.get("content-type", "").startswith("application/json") else [answer.text]


def test_all_apps_are_back_and_serve_their_own_content(drill: Drill) -> None:
    before = drill.scripts()
    assert len(before) == APPS - 2
    drill.lose()
    assert drill.scripts() == set()
    outputs = PlatformOutputs.model_validate(PLATFORM)
    names = [f"app-{number:02}" for number in range(APPS) if f"app-{number:02}" != FOREIGN]
    run = drill.run(drill.rebuilder(), outputs, names)
    began = time.monotonic()
    assert drill.made(run), run.report.failed
    seconds = time.monotonic() - began
    report = run.report
    assert (report.rebuilt, report.pages, report.failed, report.misses) == (APPS - 2, 1, {}, [])
    assert report.proofs == {"serves its own file": APPS - 2, "bootstrap page": 1}
    assert drill.scripts() == {*before, NEVER}
    for number in range(APPS):
        name = f"app-{number:02}"
        if name in (NEVER, FOREIGN):
            continue
        assert content_of(number, drill.cloud) == [name, f"hello from {name}", "s3cret" if name == SECRET else None]
    assert "is being built" in str(content_of(9, drill.cloud))
    with drill.database.reading() as session:
        rows = session.scalars(sa.select(Deployment).where(Deployment.source == "rebuild")).all()
        audit.verify(session)
    assert {row.status for row in rows} == {"succeeded"}
    assert len(rows) == APPS - 2
    told = report.as_json()
    assert json.loads(json.dumps(told)) == told
    print(f"{APPS} apps back after {seconds:.1f} s: {told['calls']} calls, {told['extrapolation']}")


def test_a_rebuild_that_was_stopped_goes_on_with_what_is_left(drill: Drill) -> None:
    outputs, names = PlatformOutputs.model_validate(PLATFORM), ["app-01", "app-02", "app-03"]
    drill.lose()
    run = drill.run(drill.rebuilder(), outputs, names)
    kept = drill.state / "bundles"
    (kept / "files").rename(kept / "lost")
    first = drill.run(drill.rebuilder(), outputs, names)
    assert not drill.made(first)
    assert {"bundle" in told for told in first.report.failed.values()} == {True}
    (kept / "lost").rename(kept / "files")
    one = Run(run._rebuilder, Plan.of(run._rebuilder, outputs, ACCOUNT, names[:1]), run._journal, lambda _: {}, "local")
    one._journal.close = lambda: None  # as if it had been killed
    assert drill.made(one)
    second = drill.run(drill.rebuilder(), outputs, names)
    assert drill.made(second)
    assert (second.report.before, second.report.rebuilt) == (1, 2)
    assert drill.scripts() == set(names)


def test_another_account_gets_the_apps_without_what_lies_in_the_old_one(drill: Drill, tmp_path: Path) -> None:
    """Into the staging namespace of a platform that has no other, with records and bundles of its own."""
    into = Database(f"sqlite:///{tmp_path / 'other.db'}")
    migrate(into)
    origins = {**PLATFORM["origins"], "domain": "other.localhost"}
    content = {
        **PLATFORM,
        "platform_environment": "production",
        "namespaces": {"production": NAMESPACES["staging"]},
        "origins": origins,
    }
    outputs = PlatformOutputs.model_validate(content)
    rebuilder = drill.rebuilder(into=into)
    object.__setattr__(rebuilder, "seconds", 0.0)
    run = drill.run(rebuilder, outputs, ["app-01", SECRET, FOREIGN], account="another", texts={SECRET: {}})
    assert [(miss.script, miss.what) for miss in run.report.misses] == [(FOREIGN, "binding DB (d1)")]
    drill.made(run)
    assert drill.scripts("staging") == {"app-01", SECRET}
    assert [miss.what for miss in run.report.misses if miss.script == SECRET] == []
    with into.reading() as session:
        app = session.get_one(App, "app-01")
        row = session.scalars(sa.select(Deployment).where(Deployment.app_id == "app-01")).one()
    assert app.declared["places"]["production"]["url"].startswith("https://app-01.other.localhost")
    assert Bundles(Folder(drill.state / "elsewhere")).open(row.bundle)["assets"]
    into.close()


def test_the_limits_say_how_long_fifty_thousand_take() -> None:
    counted = bound(calls=150, apps=50, limits=PUBLISHED)
    assert (counted.calls, counted.limit) == (150_000, "Cloudflare's 1,200 calls in 5 minutes")
    assert counted.seconds == (150_000 // 1164) * 300
    assert Report("local").as_json()["extrapolation"] is None


def test_an_app_that_there_is_not(drill: Drill) -> None:
    with pytest.raises(CommandError, match="there is no app ghost"):
        drill.run(drill.rebuilder(), PlatformOutputs.model_validate(PLATFORM), ["ghost"])
