"""A broker as a real server, and the neighbours that it asks: an issuer, GitHub, and a Cloudflare that records."""

import asyncio
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import jwt
import sqlalchemy as sa
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from control_plane import apps
from control_plane.application import application
from control_plane.database import Database
from control_plane.migration import migrate
from control_plane.settings import Settings
from control_plane.state import Plane
from control_plane.tables import AuditEntry, Deployment
from local_cloud.multipart import parse
from local_cloud.ports import listen

ACCOUNT = "0123456789abcdef0123456789abcdef"
PREFIX = "overskill-development"
NAMESPACES = {environment: f"{PREFIX}-{environment}" for environment in ("preview", "staging", "production")}
ORGANIZATION = "overskill-apps"
PLATFORM = {
    "account_id": ACCOUNT,
    "platform_environment": "development",
    "protected": False,
    "namespaces": NAMESPACES,
    "origins": {"domain": "overskill.localhost", "worker": "dispatch", "workers_dev": "overskill.workers.localhost"},
    "urls": "subdomain",
    "plans": ["free"],
    "default_plan": "free",
    "oidc_subject": True,
    "github_organization": ORGANIZATION,
    "template": f"{ORGANIZATION}/template",
    "webhook_base": "http://127.0.0.1:8786/webhooks",
    "api_base": "http://127.0.0.1:8786/api",
    "app_store": "0" * 32,
    "usage_dataset": "overskill_development_usage",
    "dispatcher_version": "1",
}
"""The outputs of a platform stack, by their names in Python."""

WORKFLOW = ".github/workflows/deploy-to-wfp.yml"
CLOUDFLARE_TOKEN = "the-platforms-own-token"
JAVASCRIPT = "application/javascript+module"
HELLO = "export default { fetch() { return new Response('hello'); } };"


def declaration(app_id: str, repository_id: int, **bindings: list[dict[str, str]]) -> apps.Declaration:
    """An app in all three app environments; `bindings` beside its name, by app environment."""
    scripts = {"production": app_id, "staging": f"staging-{app_id}", "preview": f"preview-{app_id}"}
    places = {
        environment: {
            "script": script,
            "namespace": NAMESPACES[environment],
            "url": f"https://{script}.overskill.localhost/",
            "tags": [f"app-{app_id}", f"environment-{environment}"],
            "bindings": [
                {"type": "plain_text", "name": "OVERSKILL_APP_NAME", "text": app_id},
                *bindings.get(environment, []),
            ],
        }
        for environment, script in scripts.items()
    }
    return apps.Declaration.model_validate(
        {
            "app_id": app_id,
            "display_name": app_id,
            "plan": "free",
            "repository": f"{ORGANIZATION}/{app_id}",
            "repository_id": repository_id,
            "path_url": f"https://dispatch.overskill.workers.localhost/app/{app_id}/",
            "places": places,
        }
    )


def claims(app: str, number: int, pushed: str = "refs/heads/main", /, **changed: Any) -> dict[str, Any]:
    """Of a run of the pipeline of an app and its repository's number; what is None is left out."""
    now = int(time.time())
    repository = f"{ORGANIZATION}/{app}"
    by_ref = {"refs/heads/main": "production", "refs/heads/staging": "staging"}
    made = {
        "sub": f"repo:{ORGANIZATION}@7/{app}@{number}:environment:x",
        "aud": "overskill-deploy",
        "iat": now,
        "nbf": now - 600,
        "exp": now + 300,
        "repository": repository,
        "repository_id": str(number),
        "repository_owner": ORGANIZATION,
        "event_name": "push" if pushed in by_ref else "pull_request",
        "ref": pushed,
        "sha": "c" * 40,
        "environment": by_ref.get(pushed, "preview"),
        "workflow_ref": f"{repository}/{WORKFLOW}@{pushed}",
        "job_workflow_ref": f"{repository}/{WORKFLOW}@{pushed}",
        "run_id": "12",
        "run_attempt": "1",
        "actor": "anna",
        **changed,
    }
    return {name: value for name, value in made.items() if value is not None}


def script_path(script: str, environment: str = "production", account: str = ACCOUNT) -> str:
    return f"/accounts/{account}/workers/dispatch/namespaces/{NAMESPACES[environment]}/scripts/{script}"


def form(metadata: Any, *more: tuple[str, Any]) -> list[tuple[str, Any]]:
    """An upload as wrangler sends it: `metadata` is no file, each module has its name as file name."""
    described = {"main_module": "index.js", "compatibility_date": "2026-01-01", **metadata}
    return [("metadata", (None, json.dumps(described))), ("index.js", ("index.js", HELLO, JAVASCRIPT)), *more]


@contextmanager
def serving(app: Any, *, lifespan: str = "on") -> Iterator[str]:
    """Serve an application from a thread, on a port of its own; its URL."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, ws="none", lifespan=lifespan, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    with listen(0, "") as listener:
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@dataclass
class Recorded:
    """A call that reached Cloudflare."""

    method: str
    path: str
    authorization: str
    content_type: str
    body: bytes


@dataclass
class Neighbours:
    """`pulls` are GitHub's pull requests by number: `(head repository id, state)`.

    `failing` is the status with which Cloudflare refuses everything.
    """

    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    kid: str = "first"
    url: str = ""
    calls: list[Recorded] = field(default_factory=list)
    fetches: int = 0
    pulls: dict[int, tuple[int | None, str]] = field(default_factory=dict)
    failing: int | None = None
    assets: set[str] | None = None
    """Hashes of the files that Cloudflare has; None: it asks for each again."""
    meanwhile: Callable[[], object] = lambda: None
    """What happens while Cloudflare takes an upload."""
    slow: float = 0.0
    """Seconds that Cloudflare takes at most for a call, by chance."""
    scripts: set[str] = field(default_factory=set)
    """Paths of the scripts that Cloudflare has."""
    updated_at: str = "2026-11-24T12:00:00Z"
    """When each pull request was last touched."""

    def token(self, content: dict[str, Any], **options: Any) -> str:
        """Signed by the issuer, unless `options` of `jwt.encode` say otherwise."""
        signing = {"key": self.key, "algorithm": "RS256", "headers": {"kid": self.kid}, **options}
        return jwt.encode({"iss": self.url, **content}, **signing)

    def app(self) -> Starlette:
        async def discovery(_: Request) -> Response:
            return JSONResponse({"issuer": self.url, "jwks_uri": f"{self.url}/keys"})

        async def keys(_: Request) -> Response:
            self.fetches += 1
            public = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
            return JSONResponse({"keys": [{"kid": self.kid, "use": "sig", "alg": "RS256", **public}]})

        async def pull(request: Request) -> Response:
            number = request.path_params["number"]
            if number not in self.pulls:
                return JSONResponse({"message": "Not Found"}, 404)
            return JSONResponse(self._pull(number))

        async def pulls(request: Request) -> Response:
            page = int(request.query_params["page"])
            shown = [self._pull(number) for number, (_, state) in sorted(self.pulls.items()) if state == "open"]
            return JSONResponse(shown[100 * (page - 1) : 100 * page])

        async def cloudflare(request: Request) -> Response:
            body, headers = await request.body(), request.headers
            await asyncio.sleep(random.uniform(0, self.slow))  # noqa: S311 - no secret
            self.calls.append(
                Recorded(
                    request.method,
                    request.url.path.removeprefix("/client/v4"),
                    headers["authorization"],
                    headers.get("content-type", ""),
                    body,
                )
            )
            if self.failing:
                errors = [{"code": 10013, "message": "Cloudflare's own reason"}]
                return JSONResponse({"success": False, "errors": errors}, self.failing, {"Retry-After": "7"})
            return JSONResponse({"success": True, "errors": [], "messages": [], "result": self._result(request, body)})

        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", discovery),
                Route("/keys", keys),
                Route("/repos/{owner}/{name}/pulls", pulls),
                Route("/repos/{owner}/{name}/pulls/{number:int}", pull),
                Route("/client/v4/{path:path}", cloudflare, methods=["GET", "PUT", "POST", "DELETE"]),
            ]
        )

    def _pull(self, number: int) -> dict[str, Any]:
        repository, state = self.pulls[number]
        head = {"repo": repository and {"id": repository}}
        return {"number": number, "state": state, "head": head, "updated_at": self.updated_at}

    def _result(self, request: Request, body: bytes) -> Any:
        path = request.url.path.removeprefix("/client/v4")
        if request.method == "PUT":
            self.meanwhile()
            self.scripts.add(path)
        if request.method == "DELETE":
            self.scripts.discard(path)
        if path.endswith("/scripts"):
            below = [script.removeprefix(f"{path}/") for script in self.scripts if script.startswith(f"{path}/")]
            return [{"id": script} for script in sorted(below)]
        if request.url.path.endswith("/assets-upload-session"):
            hashes = sorted({file["hash"] for file in json.loads(body)["manifest"].values()})
            missing = [name for name in hashes if name not in (self.assets or ())]
            return {"jwt": "cloudflares-upload-token", "buckets": [missing] if missing else []}
        if request.url.path.endswith("/assets/upload"):
            if self.assets is not None:
                self.assets |= {part.name for part in parse(request.headers["content-type"], body)}
            return {"jwt": "cloudflares-completion-token"}
        return {"id": "a-script", "deployment_id": "d" * 32}


@dataclass
class World:
    """A broker with its neighbours, and two apps: `mine` (repository 1) and `other` (repository 2)."""

    neighbours: Neighbours
    database: Database
    url: str
    settings: Settings

    def send(self, method: str, path: str, token: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
        return httpx.request(
            method, f"{self.url}/api/deploy{path}", headers=headers, trust_env=False, timeout=30, **options
        )

    def is_refused(self, answer: httpx.Response, status: int, reason: str) -> None:
        """By the broker, in Cloudflare's envelope, on the record, and with nothing in any of it that is secret."""
        content = answer.json()
        assert (answer.status_code, content["success"], content["result"]) == (status, False, None), answer.text
        (error,) = content["errors"]
        assert reason in error["message"]
        entry = self.audited()[-1]
        assert (entry.result, entry.details["error"]) == ("refused", error["message"])
        assert entry.origin == "127.0.0.1"
        for text in (answer.text, json.dumps(entry.details)):
            assert "eyJ" not in text
            assert CLOUDFLARE_TOKEN not in text
        assert self.neighbours.calls == []

    def audited(self) -> list[AuditEntry]:
        """What the broker has written, the oldest first."""
        with self.database.reading() as session:
            entries = session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)).all()
        return [entry for entry in entries if entry.action.startswith("deploy.")]

    def deployments(self) -> list[Deployment]:
        with self.database.reading() as session:
            return list(session.scalars(sa.select(Deployment)))


@contextmanager
def broker(settings: Settings, *declared: apps.Declaration) -> Iterator[tuple[Database, str]]:
    """A control plane with these apps: its database and URL."""
    database = Database(settings.database)
    migrate(database)
    with database.writing() as session:
        for declaration in declared:
            apps.declare(session, declaration, actor="system")
    with serving(application(Plane(settings, database))) as url:
        yield database, url
    database.close()


@contextmanager
def world(state: Path) -> Iterator[World]:
    neighbours = Neighbours()
    data = [{"type": "d1", "name": "DB", "id": "mine-database"}]
    declared = [declaration("mine", 1, preview=data, production=data), declaration("other", 2)]
    with serving(neighbours.app(), lifespan="off") as neighbours.url:
        settings = Settings(
            platform_stack="local",
            platform=PLATFORM,
            state=state,
            webhook_secret="the-root-of-all-others",
            cloudflare_url=f"{neighbours.url}/client/v4",
            cloudflare_api_token=CLOUDFLARE_TOKEN,
            github_url=neighbours.url,
            github_token="github-token",
            oidc_issuer=neighbours.url,
            probe_seconds=1,
        )
        with broker(settings, *declared) as (database, url):
            yield World(neighbours, database, url, settings)
