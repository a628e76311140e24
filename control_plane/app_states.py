"""Whether an app is served: in the app store, where the dispatch Worker reads it, and in the records here."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.orm import Session

from control_plane import audit, events
from control_plane.app_store import AppState, AppStore
from control_plane.database import Database
from control_plane.state import Plane
from control_plane.tables import App

ACTIVE = "active"


@dataclass(frozen=True)
class AppStates:
    """Those of one platform. Each method raises `CloudflareError`.

    The store comes first, since it is what holds; a change that was cut short is made whole by making it again.
    `actor` and `origin` are the audit's.
    """

    store: AppStore
    database: Database

    @classmethod
    @contextmanager
    def of(cls, plane: Plane) -> Iterator["AppStates"]:
        settings = plane.settings
        token, account = settings.cloudflare_api_token.get_secret_value(), settings.platform.account_id
        title, id_ = f"of {settings.platform_stack}", settings.platform.app_store
        with AppStore(token, settings.cloudflare_url, account, title, id_) as store:
            yield cls(store, plane.database)

    def suspend(self, app_id: str, state: AppState, *, actor: str, origin: str | None = None) -> AppState | None:
        """Have the platform answer in the app's place; gives the state that this replaces."""
        before = self.store.state(app_id)
        self.store.set_state(app_id, state)
        self._suspended(app_id, state, actor, origin)
        return before

    def suspend_all(self, states: Mapping[str, AppState], *, actor: str) -> None:
        """As `suspend`, by one call."""
        self.store.set_states(states)
        for app_id, state in states.items():
            self._suspended(app_id, state, actor)

    def resume(self, app_id: str, *, actor: str, origin: str | None = None) -> AppState | None:
        """Have the app served again; gives the state that it had, None for an active one."""
        before = self.store.state(app_id)
        self.store.clear_state(app_id)
        self._resumed(app_id, actor, origin, had_one=before is not None)
        return before

    def resume_all(self, app_ids: Collection[str], *, actor: str) -> None:
        """As `resume`, by one call."""
        self.store.clear_states(app_ids)
        for app_id in app_ids:
            self._resumed(app_id, actor)

    def _suspended(self, app_id: str, state: AppState, actor: str, origin: str | None = None) -> None:
        details = state.model_dump(mode="json", exclude_none=True)
        with self.database.writing() as session:
            _note(session, app_id, state.state)
            audit.append(session, audit.Deed(actor, "app.suspend", f"app:{app_id}", "ok", origin, details))
            events.publish(session, "app.suspended", app_id, **details)

    def _resumed(self, app_id: str, actor: str, origin: str | None = None, *, had_one: bool = False) -> None:
        with self.database.writing() as session:
            if _note(session, app_id, ACTIVE) or had_one:
                audit.append(session, audit.Deed(actor, "app.resume", f"app:{app_id}", "ok", origin))
                events.publish(session, "app.resumed", app_id)


def _note(session: Session, app_id: str, state: str) -> bool:
    """Whether the records said something else."""
    app = session.get(App, app_id)
    differs = app is not None and app.state != state
    if app is not None:
        app.state = state
    return differs
