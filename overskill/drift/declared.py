"""What the stacks say: the control plane's record of each app, and which apps are under way just now."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

import sqlalchemy as sa

from control_plane.apps import Declaration
from control_plane.provisioning.records import ENDS
from control_plane.tables import App, Provision
from overskill import control_plane_records
from overskill.fleet.index import Index
from overskill.fleet.projects import app_ids_in_fleet
from overskill.project import Project


@dataclass(frozen=True, kw_only=True)
class Declared:
    """`apps` by id. `unrecorded` have a stack here and no record: only the engine knows what they are.

    `busy` are being made, changed or removed, or a run of them was cut short: nothing is told of them.
    """

    apps: Mapping[str, Declaration]
    unrecorded: Sequence[str]
    busy: set[str]


def read(project: Project, stack: str) -> Declared:
    """All apps of a platform stack."""
    with control_plane_records.opened(project, stack) as database, database.reading() as session:
        apps = {id_: Declaration.model_validate(row) for id_, row in session.execute(sa.select(App.id, App.declared))}
        busy = set(session.scalars(sa.select(Provision.app_id).where(Provision.status.not_in(ENDS))))
    busy |= _running(project, stack)
    here = {*project.app_ids(stack), *app_ids_in_fleet(project, stack)}
    return Declared(apps=apps, unrecorded=sorted(here - apps.keys() - busy), busy=busy)


def _running(project: Project, stack: str) -> set[str]:
    """The apps whose run the fleet, or a command, has begun and not ended."""
    begun = {name.partition(".")[2] for name in project.unfinished() if name.startswith(f"{stack}.")}
    file = project.home / "fleet" / "index.sqlite"
    if not file.exists():
        return begun
    with closing(Index(file)) as index:
        return begun | {app for app, entry in index.entries(stack).items() if entry.state == "running"}
