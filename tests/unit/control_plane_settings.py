"""A control plane within the test's own process: its settings, an app, and a browser of it."""

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from control_plane.application import application
from control_plane.apps import Declaration, declare
from control_plane.database import Database
from control_plane.migration import migrate
from control_plane.settings import Settings
from control_plane.state import Plane

ORIGIN = "http://127.0.0.1:8786"
ENVIRONMENTS = ("preview", "staging", "production")
SECRETS = {
    "webhook_secret": "planted-webhook-secret",
    "cloudflare_api_token": "planted-cloudflare-token",
    "github_token": "planted-github-token",
}
PLATFORM = {
    "account_id": "0123456789abcdef0123456789abcdef",
    "platform_environment": "development",
    "protected": False,
    "namespaces": {name: f"overskill-development-{name}" for name in ENVIRONMENTS},
    "origins": {"domain": "overskill.test", "worker": "overskill-dispatch", "workers_dev": "overskill.workers.test"},
    "urls": "subdomain",
    "plans": ["free"],
    "default_plan": "free",
    "oidc_subject": False,
    "github_organization": "overskill-apps",
    "template": "overskill/template",
    "webhook_base": f"{ORIGIN}/webhooks",
    "api_base": f"{ORIGIN}/api",
    "app_store": "store",
    "usage_dataset": "usage",
    "dispatcher_version": "1",
}


def settings(state: Path, **changed: Any) -> Settings:
    return Settings(platform_stack="local", platform=PLATFORM, state=state, **SECRETS, **changed)


def plane(state: Path, **changed: Any) -> Plane:
    made = settings(state, **changed)
    database = Database(made.database)
    migrate(database)
    return Plane(made, database)


def declared(app_id: str, **changed: Any) -> Declaration:
    scripts = {"production": app_id, "staging": f"staging-{app_id}", "preview": f"preview-{app_id}"}
    places = {
        environment: {
            "script": script,
            "namespace": f"overskill-development-{environment}",
            "url": f"https://{script}.overskill.test/",
            "tags": [f"app-{app_id}"],
            "bindings": [],
        }
        for environment, script in scripts.items()
    }
    content = {
        "app_id": app_id,
        "display_name": app_id.title(),
        "plan": "free",
        "repository": f"overskill-apps/{app_id}",
        "repository_id": sum(map(ord, app_id)),
        "path_url": f"https://overskill-dispatch.overskill.workers.test/app/{app_id}/",
        "places": places,
    }
    return Declaration.model_validate(content | changed)


def declare_app(plane: Plane, app_id: str, customer: str | None = None, **changed: Any) -> None:
    with plane.database.writing() as session:
        declare(session, declared(app_id, **changed), actor="system", customer=customer)


class InProcess(httpx.BaseTransport):
    """Calls an application without a server, as from `address`; what it answers is read to its end."""

    def __init__(self, app: FastAPI, address: str) -> None:
        self._transport = httpx.ASGITransport(app, client=(address, 50000))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        async def answer() -> httpx.Response:
            found = await self._transport.handle_async_request(request)
            return httpx.Response(found.status_code, headers=found.headers, content=await found.aread())

        return asyncio.run(answer())


def browser(plane: Plane, origin: str = ORIGIN, address: str = "192.0.2.7") -> httpx.Client:
    """Keeps cookies, and follows no redirect. Forms that it sends are of a page of the server."""
    transport = InProcess(application(plane), address)
    return httpx.Client(transport=transport, base_url=origin, headers={"Origin": origin})


def log_in(client: httpx.Client, name: str, password: str) -> httpx.Response:
    return client.post("/login", data={"name": name, "password": password})


def csrf(client: httpx.Client, path: str = "/") -> str:
    """What a page's forms send along."""
    found = re.search(r'name="csrf" value="([^"]+)"', client.get(path).text)
    assert found
    return found[1]
