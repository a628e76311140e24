"""A control plane under test: a process, the database that it shares with others, and what it is told to be."""

import importlib
import json
import multiprocessing
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx
import psutil

from control_plane import access, apps
from control_plane.database import Database
from control_plane.migration import migrate
from control_plane.settings import Settings
from control_plane.state import Plane
from infra.credentials import derived
from overskill.checkout_copy import free_ports

ROOT_SECRET = "the-root-of-all-others"
SCOPES: list[access.Scope] = ["apps:read", "apps:write", "deployments:read", "events:read", "audit:read"]

PLATFORM = {
    "accountId": "0123456789abcdef0123456789abcdef",
    "platformEnvironment": "development",
    "protected": False,
    "namespaces": {name: f"overskill-development-{name}" for name in ("preview", "staging", "production")},
    "origins": {
        "domain": "overskill.localhost",
        "worker": "overskill-development-dispatch",
        "workers_dev": "overskill.workers.localhost",
        "scheme": "http",
        "port": 8788,
    },
    "urls": "subdomain",
    "plans": ["free"],
    "defaultPlan": "free",
    "oidcSubject": False,
    "githubOrganization": "overskill-apps",
    "template": "overskill/overskill-app-template",
    "webhookBase": "http://127.0.0.1:8786/webhooks",
    "apiBase": "http://127.0.0.1:8786/api",
    "appStore": "0123456789abcdef0123456789abcdef",
    "usageDataset": "overskill_development_usage",
    "dispatcherVersion": "1",
}
"""The outputs of a platform stack."""


def declaration(app_id: str, repository_id: int) -> apps.Declaration:
    """An app in all three app environments."""
    scripts = {"production": app_id, "staging": f"staging-{app_id}", "preview": f"preview-{app_id}"}
    places = {
        environment: {
            "script": script,
            "namespace": PLATFORM["namespaces"][environment],
            "url": f"http://{script}.overskill.localhost:8788/",
            "tags": [f"app:{app_id}"],
            "bindings": [],
        }
        for environment, script in scripts.items()
    }
    return apps.Declaration.model_validate(
        {
            "app_id": app_id,
            "display_name": app_id.title(),
            "plan": "free",
            "repository": f"overskill-apps/{app_id}",
            "repository_id": repository_id,
            "path_url": f"http://overskill-development-dispatch.overskill.workers.localhost:8788/app/{app_id}/",
            "places": places,
        }
    )


def settings_of(state: Path, database_url: str) -> dict[str, str]:
    return {
        "platform_stack": "local",
        "platform": json.dumps(PLATFORM),
        "state": str(state),
        "database_url": database_url,
        "webhook_secret": ROOT_SECRET,
        "cloudflare_api_token": "local-cloudflare-1",
        "github_token": "local-github-1",
    }


def app_secret(app_id: str) -> str:
    return derived(ROOT_SECRET, f"webhook:{app_id}")


SERVERS = multiprocessing.get_context("forkserver")
"""Forks each server from a process that has imported all of it: to import takes most of a start."""

SERVERS.set_forkserver_preload(["control_plane.application", "uvicorn.protocols.http.auto", "uvicorn.loops.auto"])


def _serve(program: str, environment: dict[str, str], log: Path) -> None:
    """What becomes of the forked process."""
    for descriptor in (1, 2):
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), descriptor)
    os.environ.update(environment)
    importlib.import_module(program).main()


class ServerProcess:
    """A server on a port of its own: `program` of this folder; `settings` are further ones, by name."""

    def __init__(self, state: Path, database_url: str, settings: Mapping[str, str], program: str = "serve") -> None:
        self._program = program
        (self.port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = state / f"server-{self.port}.log"
        own = {**settings_of(state, database_url), "port": str(self.port), **settings}
        self._environment = {f"OVERSKILL_{name.upper()}": value for name, value in own.items()}
        self.start()

    def start(self) -> None:
        arguments = (self._program, self._environment, self.log)
        self.process = SERVERS.Process(target=_serve, args=arguments, daemon=True)
        self.process.start()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.is_alive():
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def kill(self) -> None:
        """As the out-of-memory killer does it."""
        self.process.kill()
        self.process.join()

    def stop(self) -> None:
        if self.process.is_alive():
            self.process.terminate()
            self.process.join(20)

    @property
    def cpu(self) -> float:
        """Seconds that it has used."""
        times = psutil.Process(self.process.pid).cpu_times()
        seconds: float = times.user + times.system
        return seconds

    @property
    def resident(self) -> int:
        """Bytes."""
        size: int = psutil.Process(self.process.pid).memory_info().rss
        return size


class Installation:
    """A database with apps and a token, and the servers that share it."""

    def __init__(self, state: Path, database_url: str) -> None:
        self.state, self.database_url = state, database_url
        self.database = Database(database_url)
        self.servers: list[ServerProcess] = []
        migrate(self.database)
        with self.database.writing() as session:
            self.token = access.issue(session, "builder", SCOPES)

    def declare(self, *app_ids: str) -> Self:
        """Apps whose repositories are numbered from 1 on."""
        with self.database.writing() as session:
            for number, app_id in enumerate(app_ids, 1):
                apps.declare(session, declaration(app_id, number), actor="system")
        return self

    def server(self, program: str = "serve", **settings: str) -> ServerProcess:
        """One more, on the same database."""
        self.servers.append(ServerProcess(self.state, self.database_url, settings, program))
        return self.servers[-1]

    def plane(self, **settings: Any) -> Plane:
        """For a server within this process."""
        own = {**settings_of(self.state, self.database_url), "platform": PLATFORM, **settings}
        return Plane(Settings.model_validate(own), self.database)

    def client(self, server: ServerProcess) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=server.url, headers=headers, trust_env=False, timeout=30)

    def close(self) -> None:
        for server in self.servers:
            server.stop()
        self.database.close()
