"""A control plane as a process of its own: its settings are in the environment, and it has no engine."""

import uvicorn

from control_plane.application import application
from control_plane.database import Database
from control_plane.settings import Settings
from control_plane.state import Plane


def main() -> None:
    settings = Settings()
    plane = Plane(settings, Database(settings.database))
    options = {"log_level": "warning", "access_log": False, "timeout_graceful_shutdown": 1}
    uvicorn.run(application(plane), host=settings.listen, port=settings.port, backlog=4096, **options)
