"""A control plane of the drills as a process: started, killed, started again, and its disk full and not."""

import datetime as dt
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
from standardwebhooks import Webhook

from control_plane import access
from control_plane.database import Database
from control_plane.migration import migrate
from infra.credentials import derived
from overskill.checkout_copy import free_ports
from overskill.drill.cloud import Cloud
from overskill.drill.plane import COMMIT, NOW, ROOT_SECRET, settings_of, variables
from overskill.errors import CommandError

START_SECONDS = 60
NOT_ANSWERED = 0
"""The status of a call whose connection broke."""


class Server:
    """On the database at `url`, or on SQLite's in its state folder; `more` are further settings."""

    def __init__(self, cloud: Cloud, folder: Path, url: str = "", **more: Any) -> None:
        folder.mkdir(parents=True)
        (self.port,) = free_ports(1)
        self.folder, self.url = folder, f"http://127.0.0.1:{self.port}"
        settings = settings_of(cloud, folder, port=self.port, **{"database_url": url, **more})
        self._environment = {**os.environ, **variables(settings)}
        self.database = Database(url or f"sqlite:///{folder / 'control-plane.db'}")
        migrate(self.database)
        with self.database.writing() as session:
            token = access.issue(session, "builder", ["apps:read", "apps:write", "deployments:read"])
        self.http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
            timeout=20,
            limits=httpx.Limits(max_keepalive_connections=0),  # a connection of before a fault is broken after it
        )
        self.start()

    def start(self) -> None:
        """Raises `CommandError` with its last words if it does not answer."""
        with (self.folder / "server.log").open("a") as log:
            command = [sys.executable, "-m", "overskill.drill.server"]
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if self.call("GET", "/health") == httpx.codes.OK:
                return
            time.sleep(0.05)
        raise CommandError((self.folder / "server.log").read_text()[-500:])

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def wait_for_death(self) -> None:
        self._process.wait(START_SECONDS)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(START_SECONDS)
        self.http.close()
        self.database.close()

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """No file of its grows during the block."""
        with full(psutil.Process(self._process.pid)):
            yield

    def call(self, method: str, path: str, **options: Any) -> int:
        """The status of the answer."""
        try:
            return self.http.request(method, path, **options).status_code
        except httpx.HTTPError:
            return NOT_ANSWERED

    def notify(self, app_id: str, run: int, kind: str = "started", identity: str = "") -> int:
        """The status with which a pipeline's webhook is answered."""
        told = {
            **{"type": f"deploy.{kind}", "app": app_id, "environment": "production", "script": app_id},
            **{"commit": COMMIT, "pull_request": None, "actor": "a-drill", "at": NOW.isoformat()},
            "run": {"id": run, "attempt": 1, "url": f"http://github.localhost/runs/{run}"},
        }
        body, identity, at = json.dumps(told), identity or uuid.uuid4().hex, dt.datetime.now(dt.UTC)
        signature = Webhook(derived(ROOT_SECRET, f"webhook:{app_id}").encode()).sign(identity, at, body)
        headers = {
            "webhook-id": identity,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signature,
        }
        return self.call("POST", "/api/hooks/deploy", content=body, headers=headers)

    def provision(self, app_id: str, *, first_deploy: bool = False, again: bool = False) -> str:
        """The id of one that makes the app; of the one before, unless it is to be made `again`."""
        request = {"app_id": app_id, "first_deploy": first_deploy}
        key = f"{app_id}{' again' if again else ''}"
        answer = self.http.post("/api/apps", json=request, headers={"Idempotency-Key": key})
        if answer.is_error:
            raise CommandError(f"POST /api/apps: {answer.status_code} {answer.text[:200]}")
        identity: str = answer.json()["id"]
        return identity

    def ended(self, provision: str, seconds: float = 60) -> str:
        """How it has ended, or how far it is after so long."""
        deadline, status = time.monotonic() + seconds, ""
        while time.monotonic() < deadline and status not in ("ready", "destroyed", "failed", "cancelled"):
            time.sleep(0.05)
            answer = self.http.get(f"/api/provisions/{provision}")
            status = answer.json()["status"] if answer.is_success else ""
        return status


@contextmanager
def full(process: psutil.Process) -> Iterator[None]:
    """As if the disk were full for a process, during the block: no file of its grows."""
    before = process.rlimit(psutil.RLIMIT_FSIZE)
    process.rlimit(psutil.RLIMIT_FSIZE, (1, before[1]))
    try:
        yield
    finally:
        process.rlimit(psutil.RLIMIT_FSIZE, before)
