"""Apps of the local cloud: made, listed, destroyed. Each is a stack of the app program."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from control_plane.app_store import AppState, AppStore
from infra.names import Script, check_app_id
from overskill import app_stack_file, control_plane_records
from overskill.app_settings import require_valid
from overskill.app_stack_file import app_values
from overskill.errors import CommandError
from overskill.fleet.projects import app_ids_in_fleet, file_in_fleet, noted_apps_file
from overskill.progress import step
from overskill.project import APP_PROJECT
from overskill.recovery import take_down
from overskill.removal import Removal, Removals
from overskill.session import Session, check
from overskill.template.first_commit import check_files, push_first


@dataclass(frozen=True, kw_only=True)
class AppStatus:
    """An app that this checkout knows, and whether the local cloud has a script of it in each of its environments.

    `state` is None for one that is served.
    """

    app_id: str
    url: str
    complete: bool
    state: AppState | None


def create(
    session: Session, app_id: str, changes: Mapping[str, Any] | None = None, files: Path | None = None
) -> dict[str, str]:
    """Make the app, or bring one that exists to what is declared, with `changes` by key; return its URLs by kind.

    `files` is a folder whose content becomes the first commit of its repository, and is deployed by that.

    Raises `InvalidAppId` or `CommandError` before anything is written, and `CommandError` where it cannot be made.
    """
    _not_of_the_fleet(session, check_app_id(app_id), "change it there")
    if files:
        check_files(files)
    session.cloud.require()
    _write_stack_file(session, app_id, changes or {})
    outcome = session.up_app(app_id)
    control_plane_records.declare(session.project, session.stack, outcome.outputs)
    with AppStore.of(session.config, session.credentials) as store:
        Removals(store, Removal()).end(app_id)
    if files:
        with step(f"App {app_id}: first commit", f"from {files}") as running:
            commit = push_first(session.project, session.config, session.credentials, app_id, files)
            running.detail = f"{commit[:7]} is being deployed" if commit else "there already"
    return urls(session, app_id)


def update(session: Session, app_id: str, changes: Mapping[str, Any]) -> dict[str, str]:
    """As `create`, for an app that is there already."""
    _not_of_the_fleet(session, check_app_id(app_id), "change it there")
    _require(session, app_id)
    return create(session, app_id, changes)


def urls(session: Session, app_id: str) -> dict[str, str]:
    """The addresses of an app: each app environment's, and the path that always works."""
    platform = session.config.overskill
    origins = platform.origins
    scripts = {e: Script(app_id=app_id, environment=e).name for e in platform.app_environments}
    by_environment: dict[str, str] = {name: origins.subdomain_url(script) for name, script in reversed(scripts.items())}
    return {**by_environment, "path": origins.path_url(app_id)}


def list_apps(session: Session) -> list[AppStatus]:
    """The apps that have a stack file here, the fleet's among them, by name."""
    session.cloud.require()
    platform, project = session.config.overskill, session.project
    app_ids = sorted({*project.app_ids(session.stack), *app_ids_in_fleet(project, session.stack)})
    with AppStore.of(session.config, session.credentials) as store:
        states = store.states(app_ids)
        present = {e: store.script_names(platform.account_id, name) for e, name in platform.namespaces.items()}
    return [
        AppStatus(
            app_id=app_id,
            url=platform.origins.url(app_id, platform.urls),
            complete=all(Script(app_id=app_id, environment=e).name in scripts for e, scripts in present.items()),
            state=states.get(app_id),
        )
        for app_id in app_ids
    ]


def destroy(session: Session, app_id: str, removal: Removal) -> datetime | None:
    """Suspend the app, or remove it and its stack once its time of grace is over; when that is, None if it is gone.

    Raises `CommandError` for one that is not known here.
    """
    _not_of_the_fleet(session, check_app_id(app_id), "list it there below `absent`")
    file = _require(session, app_id)
    session.cloud.require()
    with AppStore.of(session.config, session.credentials) as store:
        removals = Removals(store, removal)
        following = removals.step(app_id)
        if following == "destroy":
            _remove(session, app_id, delete_repository=removal.delete_repository)
            removals.end(app_id)
            file.unlink(missing_ok=True)
            return None
        if following == "suspend":
            removals.begin(app_id)
        return removals.due[app_id]


def _remove(session: Session, app_id: str, *, delete_repository: bool) -> None:
    engine, stack = session.apps, session.app_stack(app_id)
    file = session.project.app_stack_file(stack)
    declared = file.read_bytes()
    with step(f"App {app_id}: pulumi destroy") as running, session.project.marked_run(stack) as unfinished:
        outcome = take_down(engine, stack, unfinished=unfinished)
        file.write_bytes(declared)  # the engine takes it away with the stack; what follows may fail, and be done again
        check(outcome, f"pulumi destroy of stack {stack}")
        running.detail = outcome.summary()
        if delete_repository:
            session.clouds(session.config.overskill.github_organization).delete_archived(app_id)
    control_plane_records.forget(session.project, session.stack, session.config, session.credentials, app_id)


def _not_of_the_fleet(session: Session, app_id: str, remedy: str) -> None:
    """Raises `CommandError` for an app that a file of the fleet declares: a second stack would take it from there."""
    if file_in_fleet(session.project, app_id, session.app_stack(app_id)).exists():
        file = noted_apps_file(session.project, session.stack) or "APPS.yaml"
        told = f"app {app_id} is declared in a file of the fleet, {file} or one before"
        raise CommandError(f"{told}: {remedy}, and ./dev fleet apply it")


def _require(session: Session, app_id: str) -> Path:
    """The app's stack file. Raises `CommandError` where there is none."""
    file = session.project.app_stack_file(session.app_stack(app_id))
    if not file.exists():
        raise CommandError(f"there is no app {app_id!r} here; ./dev app list shows those that are")
    return file


def _write_stack_file(session: Session, app_id: str, changes: Mapping[str, Any]) -> None:
    """What the file says already stays, where neither `changes` nor the platform says anything else."""
    file = session.project.app_stack_file(session.app_stack(app_id))
    platform = session.config.overskill
    before = app_stack_file.read(file)
    own = {"appEnvironments": list(platform.app_environments), **app_stack_file.own_values(before)}
    own["appEnvironments"] = [each for each in own["appEnvironments"] if each in platform.app_environments]
    own = {key: value for key, value in {**own, **changes}.items() if value is not None}
    require_valid(own, app_id, platform)
    kept = {key: value for key, value in before.items() if key.partition(":")[0] != APP_PROJECT}
    values = app_values(session.project.stack_values(session.stack), platform.github_organization, own)
    app_stack_file.write(file, {**kept, **values})
