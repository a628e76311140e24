"""A control plane whose engine is a file: what `test_provisioning` starts and kills.

    python provisioning_server.py FOLDER PORT [DATABASE URL]

Everything that the builder is asked for is a line of `FOLDER/builder.log`; it waits as long as `FOLDER/hold-{call}`
exists. With `FOLDER/kill` (`{step} before` or `{step} after`), the server is killed as it tells that this step begins,
before that is committed or after; the file goes first, so that it dies once.
"""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import uvicorn

from control_plane import access, events
from control_plane.application import application
from control_plane.apps import Declaration, Place
from control_plane.database import Database
from control_plane.provisioning import records
from control_plane.settings import Settings
from control_plane.state import Plane

FOLDER, PORT = Path(sys.argv[1]), int(sys.argv[2])
DATABASE = sys.argv[3] if len(sys.argv) > 3 else ""
PLATFORM = {
    "accountId": "00000000000000000000000000000001",
    "platformEnvironment": "development",
    "protected": False,
    "namespaces": {"production": "overskill-development-production"},
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
    "template": "overskill/template",
    "webhookBase": "http://127.0.0.1:8786/webhooks",
    "apiBase": "http://127.0.0.1:8786/api",
    "appStore": "app-store",
    "usageDataset": "usage",
    "dispatcherVersion": "1",
}
TOKEN = "osk_provisioning-test"


class FileBuilder:
    """An app is a file of `FOLDER/apps`; its address is the test's own server, named in `FOLDER/address`."""

    def create(self, app_id: str, options: dict[str, object]) -> Declaration:
        self._note("create", app_id)
        app = FOLDER / "apps" / app_id
        if not app.exists():
            app.write_text(repr(options))
            self._note("made", app_id)
        place = Place(
            script=app_id,
            namespace=PLATFORM["namespaces"]["production"],
            url=f"{(FOLDER / 'address').read_text()}/{app_id}",
            tags=[f"app-{app_id}"],
            bindings=[],
        )
        return Declaration(
            app_id=app_id,
            display_name=app_id,
            plan="free",
            repository=f"overskill-apps/{app_id}",
            repository_id=int.from_bytes(app_id.encode()[-6:]),
            path_url="http://127.0.0.1/",
            places={"production": place},
        )

    def destroy(self, app_id: str) -> None:
        self._note("destroy", app_id)
        if (FOLDER / "fail-destroy").exists():
            raise RuntimeError("the engine refuses")
        (FOLDER / "apps" / app_id).unlink(missing_ok=True)

    @staticmethod
    def _note(call: str, app_id: str) -> None:
        with (FOLDER / "builder.log").open("a") as log:
            log.write(f"{call} {app_id} {os.getpid()}\n")
        while (FOLDER / f"hold-{call}").exists():
            time.sleep(0.02)
        if call == "create" and (FOLDER / "fail-create").exists():
            raise RuntimeError("the engine refuses")


def die_at_steps() -> None:
    """Put SIGKILL around the commits that tell of a step."""
    publish, kill = events.publish, FOLDER / "kill"

    def wrapped(session: Any, type: str, app_id: str | None, **data: Any) -> Any:
        told = publish(session, type, app_id, **data)
        if kill.exists():
            wanted, moment = kill.read_text().split()
            if wanted == (data.get("step") if data.get("status") == "running" else data.get("status")):
                kill.unlink()
                if moment == "before":
                    os.kill(os.getpid(), signal.SIGKILL)
                from sqlalchemy import event  # noqa: PLC0415

                event.listen(session, "after_commit", lambda _: os.kill(os.getpid(), signal.SIGKILL), once=True)
        return told

    records.events.publish = wrapped  # type: ignore[assignment]


def main() -> None:
    settings = Settings(
        platform_stack="local",
        platform=PLATFORM,
        state=FOLDER,
        database_url=DATABASE,
        webhook_secret="root",
        cloudflare_api_token="none",
        github_token="none",
        apps_per_customer=2,
        first_deploy_seconds=int(os.environ.get("FIRST_DEPLOY_SECONDS", "60")),
        probe_seconds=int(os.environ.get("PROBE_SECONDS", "60")),
        port=PORT,
    )
    database = Database(settings.database)
    database.prepare()
    with database.writing() as session:
        if not session.scalar(access.sa.select(access.AccessToken.id)):
            access.issue(session, "builder", ["apps:read", "apps:write", "events:read"])
            session.flush()
            session.scalar(access.sa.select(access.AccessToken)).hash = access._hash(TOKEN)
    die_at_steps()
    uvicorn.run(application(Plane(settings, database, FileBuilder())), port=PORT, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
