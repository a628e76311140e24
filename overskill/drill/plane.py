"""The control plane of a run of drills: its settings, the apps that it knows, and an issuer of identity tokens."""

import datetime as dt
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from control_plane.apps import Declaration, Place
from control_plane.apps import declare as declare_app
from control_plane.broker.identity import AUDIENCE
from control_plane.database import Database
from control_plane.pipeline import WORKFLOW
from infra.names import APP_ENVIRONMENTS
from infra.outputs import PlatformOutputs
from overskill.checkout_copy import free_ports
from overskill.drill.cloud import Cloud

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
ROOT_SECRET = "the-root-secret-of-a-drill"  # noqa: S105 - signs nothing but drills
COMMIT = "c0ffee" * 6 + "c0ff"


class Issuer:
    """Signs what a workflow run is told of itself; `url` once it is served."""

    def __init__(self) -> None:
        self.url = ""
        self._key = rsa.generate_private_key(65537, 2048)

    def token(self, app_id: str, ahead: dt.timedelta = dt.timedelta()) -> str:
        """Of the run of a push to the app's main branch, by a clock that is so far `ahead`."""
        now = int(time.time() + ahead.total_seconds())
        repository = f"overskill/{app_id}"
        workflow = f"{repository}/{WORKFLOW}@refs/heads/main"
        claims = {
            **{"iss": self.url, "aud": AUDIENCE, "sub": repository, "iat": now, "nbf": now, "exp": now + 600},
            **{"repository": repository, "repository_id": str(number_of(app_id)), "repository_owner": "overskill"},
            **{"event_name": "push", "ref": "refs/heads/main", "sha": COMMIT, "environment": "production"},
            **{"workflow_ref": workflow, "job_workflow_ref": workflow, "run_id": "1", "run_attempt": "1"},
            "actor": "a-drill",
        }
        return jwt.encode(claims, self._key, "RS256", {"kid": "drill"})

    def app(self) -> Starlette:
        async def discovery(_: Request) -> Response:
            return JSONResponse({"issuer": self.url, "jwks_uri": f"{self.url}/keys"})

        async def keys(_: Request) -> Response:
            public = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
            return JSONResponse({"keys": [{"kid": "drill", "use": "sig", "alg": "RS256", **public}]})

        return Starlette(routes=[Route("/.well-known/openid-configuration", discovery), Route("/keys", keys)])


def settings_of(cloud: Cloud, folder: Path, **more: Any) -> dict[str, Any]:
    """A control plane's on this cloud, with its state in the folder."""
    return {
        "platform_stack": "local",
        "platform": cloud.outputs,
        "state": folder,
        "webhook_secret": ROOT_SECRET,
        "cloudflare_url": cloud.cloudflare_url,
        "cloudflare_api_token": cloud.token,
        "github_url": f"{cloud.process.api_url}/api/v3",
        "github_token": cloud.process.credentials()["github_token"],
        **more,
    }


def declaration(platform: PlatformOutputs, cloudflare_url: str, app_id: str) -> Declaration:
    """An app in every app environment, with an address that answers as long as the local cloud does."""
    url = f"{cloudflare_url.removesuffix('/client/v4')}/_local/health?"
    scripts = {"production": app_id, "staging": f"staging-{app_id}", "preview": f"preview-{app_id}"}
    return Declaration(
        app_id=app_id,
        display_name=app_id,
        plan="free",
        repository=f"overskill/{app_id}",
        repository_id=number_of(app_id),
        path_url=url,
        places={
            environment: Place(
                script=scripts[environment],
                namespace=platform.namespaces[environment],
                url=url,
                tags=[f"app-{app_id}"],
                bindings=[],
            )
            for environment in APP_ENVIRONMENTS
        },
    )


def declare(database: Database, cloud: Cloud, app_id: str) -> None:
    with database.writing() as session:
        declare_app(session, declaration(cloud.outputs, cloud.cloudflare_url, app_id), actor="system")


def number_of(app_id: str) -> int:
    """Of the repository of an app of the drills."""
    return 1_000_000 + int(app_id.removeprefix("drill"))


@contextmanager
def serving(app: ASGIApp, **options: Any) -> Iterator[str]:
    """The URL of an application in a thread of this process, until the block ends."""
    (port,) = free_ports(1)
    config = uvicorn.Config(app, port=port, log_config=None, timeout_graceful_shutdown=1, **options)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while thread.is_alive() and not server.started:
            thread.join(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def variables(settings: Mapping[str, Any]) -> dict[str, str]:
    """Settings as a process of its own reads them."""
    return {
        f"OVERSKILL_{name.upper()}": value.model_dump_json(by_alias=True)
        if hasattr(value, "model_dump_json")
        else str(value)
        for name, value in settings.items()
    }
