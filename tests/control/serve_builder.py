"""As `serve.py`, with an engine that is a folder, and a server that can be told where to die.

All that the builder is asked for is a line of `builder.log` in the state folder. It waits as long as there is a file
`hold-{call}`, and fails with `fail-{call}`. With a file `kill` (`{step} before` or `{step} after`), the server is
killed as it tells that the step begins, before that is committed or after it; the file goes first, so it dies once.
"""

import os
import signal
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import uvicorn

from control_plane import events
from control_plane.application import application
from control_plane.apps import Declaration, Place
from control_plane.database import Database
from control_plane.provisioning import workflow
from control_plane.settings import Settings
from control_plane.state import Plane
from control_plane.tables import Event


class FolderBuilder:
    """An app is a file of `apps`; its address is below the one that the file `address` has."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, app_id: str) -> bool:
        return (self._folder / "apps" / app_id).exists()

    def create(self, app_id: str, options: dict[str, object]) -> Declaration:
        self._note("create", app_id)
        file = self._folder / "apps" / app_id
        if not file.exists():
            file.write_text(repr(options))
            self._note("made", app_id)
        url = f"{(self._folder / 'address').read_text()}/{app_id}"
        place = Place(script=app_id, namespace="production", url=url, tags=[], bindings=[])
        return Declaration(
            app_id=app_id,
            display_name=app_id,
            plan="free",
            repository=f"overskill-apps/{app_id}",
            repository_id=int.from_bytes(app_id.encode()[-6:]),
            path_url=url,
            places={"production": place},
        )

    def destroy(self, app_id: str) -> None:
        self._note("destroy", app_id)
        (self._folder / "apps" / app_id).unlink(missing_ok=True)

    def _note(self, call: str, app_id: str) -> None:
        with (self._folder / "builder.log").open("a") as log:
            log.write(f"{call} {app_id} {os.getpid()}\n")
        while (self._folder / f"hold-{call}").exists():
            time.sleep(0.02)
        if (self._folder / f"fail-{call}").exists():
            raise RuntimeError(f"the engine refuses to {call}")


def die_on_demand(folder: Path) -> None:
    """Put SIGKILL around the commits that tell of a step."""
    kill = folder / "kill"

    def dies(event: Event, moment: str) -> bool:
        if event.type != "provision.step" or not kill.exists():
            return False
        status, step = event.data["status"], event.data["step"]
        return kill.read_text() == f"{step if status in ('running', 'cancelling') else status} {moment}"

    def publish(session: Any, type: str, app_id: str | None, **data: Any) -> Event:
        event = published(session, type, app_id, **data)
        for moment, when in (("before", "before_commit"), ("after", "after_commit")):
            if dies(event, moment):
                kill.unlink()
                sa.event.listen(session, when, lambda _: os.kill(os.getpid(), signal.SIGKILL))
        return event

    published, events.publish = events.publish, publish


def main() -> None:
    workflow.PAUSES = workflow.UNDO_PAUSES = (0.1, 0.1)
    settings = Settings()
    die_on_demand(settings.state)
    plane = Plane(settings, Database(settings.database), FolderBuilder(settings.state))
    options = {"log_level": "warning", "access_log": False, "timeout_graceful_shutdown": 1}
    uvicorn.run(application(plane), host=settings.listen, port=settings.port, **options)
