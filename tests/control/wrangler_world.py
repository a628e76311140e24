"""An app of the local cloud behind the broker: deployed by plain wrangler, in a workflow or with a token of a run."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import sqlalchemy as sa
from broker_world import NAMESPACES, PLATFORM, WORKFLOW, broker, claims
from contract_process import ACCOUNT, Process, running
from contract_service import ACT
from git_client import Clone
from pulumi.dynamic import ConfigureRequest
from pulumi.dynamic.config import Config
from wrangler_command import Wrangler

from app_stacks.namespace_script import NamespaceScriptProvider
from control_plane.apps import Declaration
from control_plane.database import Database
from control_plane.settings import Settings
from control_plane.tables import Deployment
from local_cloud.state import StateDirectory

REPOSITORY = "/api/v3/repos/overskill/shop"
DISPATCHER = """
export default { fetch(request, env) {
  const [namespace, script] = request.headers.get("to").split("/");
  return env[namespace].get(script).fetch(request);
} };
"""
APP = """
export default { async fetch(request, env) {
  const { results } = await env.DB.prepare("SELECT 1 AS one").all();
  return Response.json([VERSION, env.GREETING, env.OVERSKILL_APP_NAME, env.TOKEN ?? null, results]);
} };
"""
CONFIG = {
    "compatibility_date": "2026-01-01",
    "main": "index.js",
    "vars": {"GREETING": "hello"},
    "d1_databases": [{"binding": "DB"}],
    "assets": {"directory": "public", "binding": "ASSETS", "run_worker_first": ["/api/*"]},
}
PIPELINE = """
on:
  push: {branches: [main, staging]}
  pull_request: {types: [opened, synchronize, closed]}
permissions: {contents: read, id-token: write}
env:
  PATH: "{path}"
  CLOUDFLARE_ACCOUNT_ID: "{account}"
  CLOUDFLARE_API_BASE_URL: "{broker}"
  WRANGLER_SEND_METRICS: "false"
jobs:
  deploy:
    if: github.event.action != 'closed'
    runs-on: ubuntu-latest
    environment: "${{ github.event_name == 'pull_request' && 'preview' || 'production' }}"
    steps:
      - uses: actions/checkout@v4
      - env:
          PLACE: "${{ github.event_name == 'pull_request' && 'preview' || 'production' }}"
          PREVIEW: "preview-shop-pr${{ github.event.number }}"
        run: |
          {token}
          [ $PLACE = preview ] && script=$PREVIEW || script=shop
          wrangler deploy --dispatch-namespace overskill-development-$PLACE --name $script
  remove:
    if: github.event.action == 'closed'
    runs-on: ubuntu-latest
    steps:
      - env: {PREVIEW: "preview-shop-pr${{ github.event.number }}"}
        run: |
          {token}
          curl -sS --fail-with-body -X DELETE -H "Authorization: Bearer $CLOUDFLARE_API_TOKEN" \\
            {broker}/accounts/{account}/workers/dispatch/namespaces/overskill-development-preview/scripts/$PREVIEW
"""
TOKEN = (
    'export CLOUDFLARE_API_TOKEN=$(curl -sS -H "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" '
    '"$ACTIONS_ID_TOKEN_REQUEST_URL&audience=overskill-deploy" | '
    "node -pe 'JSON.parse(require(`fs`).readFileSync(0)).value')"
)


@dataclass
class Local:
    """The local cloud with the app `shop` as its stack has made it, and the broker before it."""

    cloud: Process
    database: Database
    broker: str
    clone: Clone
    state: Path
    number: int
    home: Path
    provider: NamespaceScriptProvider
    props: dict[str, Any]

    def answer(self, script: str, environment: str = "production", path: str = "/api/all") -> httpx.Response:
        headers = {"Host": "front.overskill.workers.localhost", "to": f"{environment}/{script}"}
        return httpx.get(f"{self.cloud.edge_url}{path}", headers=headers, trust_env=False)

    def run(self, count: int) -> dict[str, Any]:
        """The run with that number, once it has ended well."""

        def runs() -> list[dict[str, Any]]:
            return self.cloud.api("GET", f"{REPOSITORY}/actions/runs").json()["workflow_runs"][::-1]

        _until(lambda: len(runs()) >= count and runs()[count - 1]["status"] == "completed")
        run = runs()[count - 1]
        jobs = self.cloud.api("GET", f"{REPOSITORY}/actions/runs/{run['id']}/jobs").json()["jobs"]
        paths = [f"{REPOSITORY}/actions/jobs/{job['id']}/logs" for job in jobs if job["conclusion"] != "skipped"]
        said = "\n".join(self.cloud.api("GET", path, follow_redirects=True).text for path in paths)
        assert run["conclusion"] == "success", said
        return run

    def wrangler(self, **changed: str) -> Wrangler:
        """Plain wrangler, with a token that the local issuer has signed for a push to main; `changed` are claims."""
        issuer, key = f"{self.cloud.url}/_actions/oidc", StateDirectory(self.cloud.state).oidc_key()
        kid = httpx.get(f"{issuer}/.well-known/jwks", trust_env=False).json()["keys"][0]["kid"]
        workflow = f"overskill/shop/{WORKFLOW}@refs/heads/main"
        content = claims("shop", self.number, repository="overskill/shop", repository_owner="overskill")
        content |= {"iss": issuer, "workflow_ref": workflow, "job_workflow_ref": workflow, **changed}
        token = jwt.encode(content, key, "RS256", {"kid": kid})
        return Wrangler(
            program=_program("OVERSKILL_WRANGLER"),
            api=self.broker,
            root="/api/deploy",
            token=token,
            account=ACCOUNT,
            home=self.home,
        )

    def deployments(self) -> list[Deployment]:
        with self.database.reading() as session:
            return list(session.scalars(sa.select(Deployment).order_by(Deployment.id)))


def _until(condition: Callable[[], Any], seconds: int = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.1)


def _program(variable: str) -> Path:
    if not os.environ.get(variable):
        pytest.skip(f"{variable} names no program")
    return Path(os.environ[variable])


@contextmanager
def local_world(folder: Path) -> Iterator[Local]:
    """Up to the first commit of the app, which is the caller's to make."""
    wrangler, state = _program("OVERSKILL_WRANGLER"), folder / "state"
    with running(state, _program("OVERSKILL_WORKERD"), act=ACT) as cloud:
        tokens = json.loads((state / "credentials.json").read_text())
        workers, databases = f"/client/v4/accounts/{ACCOUNT}/workers", f"/client/v4/accounts/{ACCOUNT}/d1/database"
        for namespace in NAMESPACES.values():
            cloud.api("POST", f"{workers}/dispatch/namespaces", json={"name": namespace})
        data = {
            environment: cloud.api("POST", databases, json={"name": f"shop-{environment}"}).json()["result"]["uuid"]
            for environment in ("production", "preview")
        }
        platform = Wrangler(
            program=wrangler, api=cloud.url, token=tokens["cloudflare_token"], account=ACCOUNT, home=folder
        )
        namespaces = [{"binding": name, "namespace": namespace} for name, namespace in NAMESPACES.items()]
        platform.run("deploy", platform.project("front", DISPATCHER, dispatch_namespaces=namespaces, workers_dev=True))
        repository = cloud.api("POST", "/api/v3/orgs/overskill/repos", json={"name": "shop", "auto_init": True}).json()
        places = {
            environment: {
                "script": script,
                "namespace": NAMESPACES[environment],
                "url": f"http://{script}.overskill.localhost/",
                "tags": ["app-shop", f"environment-{environment}"],
                "bindings": [
                    {"type": "plain_text", "name": "OVERSKILL_APP_NAME", "text": "The shop"},
                    {"type": "d1", "name": "DB", "id": data[environment]},
                ],
            }
            for environment, script in {"production": "shop", "preview": "preview-shop"}.items()
        }
        declared = Declaration.model_validate(
            {
                "app_id": "shop",
                "display_name": "The shop",
                "plan": "free",
                "repository": "overskill/shop",
                "repository_id": repository["id"],
                "path_url": "http://front.overskill.workers.localhost/app/shop/",
                "places": places,
            }
        )
        provider, props = _script(cloud, declared, tokens["cloudflare_token"])
        settings = Settings(
            platform_stack="local",
            platform={**PLATFORM, "github_organization": "overskill"},
            state=folder / "control-plane",
            database_url=f"sqlite:///{folder / 'control-plane.db'}",
            webhook_secret="the-root-of-all-others",
            cloudflare_url=f"{cloud.url}/client/v4",
            cloudflare_api_token=tokens["cloudflare_token"],
            github_url=f"{cloud.url}/api/v3",
            github_token=tokens["github_token"],
            oidc_issuer=f"{cloud.url}/_actions/oidc",
        )
        url = cloud.url.replace("://", f"://git:{tokens['github_token']}@")
        clone = Clone.of(f"{url}/overskill/shop.git", folder / "clone")
        with broker(settings, declared) as (database, broker_url), provider._api:
            _pipeline(clone.path, f"{broker_url}/api/deploy", wrangler)
            yield Local(
                cloud, database, broker_url, clone, folder / "control-plane", repository["id"], folder, provider, props
            )


def _script(cloud: Process, declared: Declaration, token: str) -> tuple[NamespaceScriptProvider, dict[str, Any]]:
    """The production script, as the app's stack makes it: with a secret that the control plane knows nothing of."""
    place, provider = declared.places["production"], NamespaceScriptProvider()
    os.environ["CLOUDFLARE_API_TOKEN"] = token
    provider.configure(ConfigureRequest(Config({"cloudflare:baseUrl": f"{cloud.url}/client/v4"}, "overskill-apps")))
    del os.environ["CLOUDFLARE_API_TOKEN"]
    bindings = [*place.bindings, {"type": "secret_text", "name": "TOKEN", "text": "s3cret"}]
    props = {
        "account_id": ACCOUNT,
        "namespace": place.namespace,
        "script": place.script,
        "tags": place.tags,
        "bindings": {binding["name"]: binding for binding in bindings},
        "compatibility_date": "2026-10-01",
        "compatibility_flags": [],
        "limits": None,
        "observability": True,
    }
    provider.create(props)
    return provider, props


def _pipeline(folder: Path, broker_url: str, wrangler: Path) -> None:
    node = Path(str(shutil.which("node"))).parent
    names = {
        "path": f"{wrangler.parent}:{node}:{os.environ['PATH']}",
        "account": ACCOUNT,
        "broker": broker_url,
        "token": TOKEN,
    }
    text = PIPELINE
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", value)
    (folder / WORKFLOW).parent.mkdir(parents=True)
    (folder / WORKFLOW).write_text(text)
    (folder / "wrangler.json").write_text(json.dumps({"name": "shop", **CONFIG}))
    (folder / "public").mkdir()


def commit(local: Local, version: int) -> str:
    folder = local.clone.path
    (folder / "index.js").write_text(APP.replace("VERSION", str(version)))
    (folder / "public" / "index.html").write_text(f"<h1>version {version}</h1>")
    return local.clone.commit(f"Version {version}")
