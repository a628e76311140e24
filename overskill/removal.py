"""An app is destroyed in two steps: the platform answers in its place at once, and after a time of grace it is removed.

When that may be stands beside the app's state in the app store, as the key's metadata: one list tells it of all apps.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import typer

from control_plane.app_store import AppState, AppStore
from overskill.errors import CommandError

Step = Literal["suspend", "wait", "destroy"]

GraceDays = Annotated[int, typer.Option("--grace", min=1, metavar="DAYS", help="Between suspension and removal.")]
Now = Annotated[bool, typer.Option("--now", help="Remove at once, without a time of grace.")]
DeleteRepository = Annotated[
    bool, typer.Option("--delete-repository", help="Delete the repository; without it, it is archived.")
]
GRACE_DAYS = 7


@dataclass(frozen=True)
class Removal:
    """How apps are destroyed: after `grace`, or at once where that is None."""

    grace: timedelta | None = None
    delete_repository: bool = False

    @classmethod
    def of(cls, days: int, *, now: bool, delete_repository: bool) -> "Removal":
        return cls(None if now else timedelta(days=days), delete_repository)


class Removals:
    """How far the apps of one platform are that shall be destroyed; `due` has when each may be removed."""

    def __init__(self, store: AppStore, wanted: Removal) -> None:
        self.wanted = wanted
        self.due = store.removals()
        self._store = store

    def step(self, app_id: str) -> Step:
        """What is done next to an app that shall be destroyed."""
        due = self.due.get(app_id)
        if self.wanted.grace is None or (due and due <= datetime.now(UTC)):
            return "destroy"
        return "wait" if due else "suspend"

    def require_due(self, app_id: str) -> None:
        """Look again, since `due` is as old as the run. Raises `CommandError` for an app that was resumed meanwhile."""
        if self.wanted.grace is None:
            return
        if due := self._store.removal(app_id):
            self.due[app_id] = due
        else:
            self.due.pop(app_id, None)
        if self.step(app_id) != "destroy":
            raise CommandError(
                f"{app_id} was resumed, and is not removed; as long as the file names it below absent:, the next apply "
                "suspends it again"
            )

    def begin(self, app_id: str) -> None:
        """Suspend the app, and note when it may be removed. A state that it has already stays."""
        now = datetime.now(UTC).replace(microsecond=0)
        due = now + (self.wanted.grace or timedelta())
        ours = AppState(state="suspended", reason=_reason(due), since=now)
        self._store.set_state(app_id, self._store.state(app_id) or ours, removal=due)
        self.due[app_id] = due

    def end(self, app_id: str) -> None:
        """The app was removed, or is kept after all. A state that it had before stays, also for one made anew."""
        if not (due := self.due.pop(app_id, None)):
            return
        state = self._store.state(app_id)
        if state and state.reason == _reason(due):
            self._store.clear_state(app_id)
        elif state:
            self._store.set_state(app_id, state)


def _reason(due: datetime) -> str:
    return f"to be removed after {due:%Y-%m-%d %H:%M} UTC"
