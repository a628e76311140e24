"""What happens while somebody looks at the dashboard."""

import datetime as dt
from typing import Any

from server_process import Installation

from control_plane import deployments


def tell(
    installation: Installation, status: deployments.Status, run_id: int = 1, app_id: str = "abc123", **more: Any
) -> None:
    """A production deploy of an app comes to a status."""
    progress = deployments.Progress(
        app_id=app_id,
        environment="production",
        script=app_id,
        run_id=run_id,
        run_attempt=1,
        commit="c0ffee00",
        status=status,
        at=dt.datetime.now(dt.UTC),
        **more,
    )
    with installation.database.writing() as session:
        deployments.record(session, progress)
