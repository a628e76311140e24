"""`overskill backup create FILE` and `overskill backup restore FILE`."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from control_plane import audit, snapshot
from control_plane.broker.bundles import Bundles
from control_plane.database import Database
from overskill import background, control_plane_records
from overskill.backup import bundles
from overskill.backup.archive import digest, pack, unpacked
from overskill.backup.state import Files
from overskill.control_plane_process import PID_FILE, state_folder
from overskill.errors import CommandError
from overskill.fleet.lease import leased
from overskill.options import Stack
from overskill.project import LOCAL_STACK, Project

backup = typer.Typer(no_args_is_help=True, help="What a platform can't be made from anew, in one file, and back.")

File = Annotated[Path, typer.Argument(help="The file, such as overskill-2026-11-30.tar.gz.")]
DATABASE, STATE = "database", "state"
SHOWN = 10


@backup.command()
def create(
    file: File,
    *,
    with_bundles: Annotated[
        bool, typer.Option("--with-bundles", help="The bundles' files too, not their list alone.")
    ] = False,
    stack: Stack = LOCAL_STACK,
) -> None:
    """Write the records, the engine's state and the list of bundles of a platform to a file, all of one instant.

    What runs goes on. Secrets are in it as they are kept: encrypted, without the key, or as hashes.
    """
    if file.exists():
        raise CommandError(f"{file} exists already: choose another name")
    if not file.parent.is_dir():
        raise CommandError(f"there is no folder {file.parent}")
    project = Project()
    project.stack_values(stack)
    kept = control_plane_records.bundles(project, stack)
    with _fleet_at_rest(project), tempfile.TemporaryDirectory(dir=file.parent, prefix=".backup-") as name:
        folder = Path(name)
        with control_plane_records.opened(project, stack) as database:
            about = {"stack": stack, "at": datetime.now(UTC).isoformat(), **_write(database, folder, kept)}
        files = Files.of(project, stack)
        files.copy(folder / STATE)
        if with_bundles:
            bundles.copy(folder, kept, bundles.within(folder))
        manifest = pack(folder, file, about)
    with control_plane_records.writing(project, stack) as session:
        _note(session, "backup.create", file, digest(file))
    rows = ", ".join(f"{count} {table}" for table, count in about["rows"].items() if count)
    print(f"{file}: {len(manifest['files'])} files, {file.stat().st_size:,} bytes; {rows or 'no rows'}")
    print(f"audit: {about['audit'] or 'broken'}; keep that, and the passphrase, elsewhere")
    if not files.backend:
        print("the engine's state is not in it, being no files of this machine: keep its versions", file=sys.stderr)
    _warn("bundles are not kept whole, and listed alone", about["broken_bundles"])


@backup.command()
def restore(
    file: File,
    *,
    force: Annotated[bool, typer.Option("--force", help="Over what is there, which is lost.")] = False,
    stack: Stack = LOCAL_STACK,
) -> None:
    """Put back what a backup has, once all of it has proved to be as it was written. The control plane must not run."""
    project = Project()
    project.stack_values(stack)
    state = state_folder(project, stack)
    if background.running(state / PID_FILE, str(state)):
        raise CommandError(f"the control plane of {stack} runs: stop it first, ./dev down or Ctrl-C in ./dev serve")
    if not file.is_file():
        raise CommandError(f"there is no file {file}")
    files = Files.of(project, stack)
    with _fleet_at_rest(project), unpacked(file) as (folder, manifest):
        if manifest["stack"] != stack:
            raise CommandError(f"{file} is of stack {manifest['stack']}: --stack {manifest['stack']}")
        with control_plane_records.opened(project, stack) as database, database.writing() as session:
            if not force:
                _require_empty(session, files)
            count = _read(session, folder, manifest)
            _note(session, "backup.restore", file, digest(file))
            files.restore(folder / STATE)
        if not files.backend and (folder / STATE / "pulumi").is_dir():
            print("the engine's state is not restored: its backend here is no files of this machine", file=sys.stderr)
        for rest in state.glob("workflows.db*"):
            rest.unlink()  # what is under way begins again by its records
        kept = control_plane_records.bundles(project, stack)
        if (folder / bundles.FOLDER).is_dir():
            bundles.copy(folder, bundles.within(folder), kept)
        absent = bundles.missing(folder, kept)
    print(f"restored {file} of {manifest['at']}: {count} entries of the audit hold; ./dev audit verify says so too")
    _warn("bundles are not kept here; put the folder of bundles back, or their apps can't be rolled back", absent)


def _write(database: Database, folder: Path, kept: Bundles) -> dict[str, Any]:
    """The rows and the list of bundles of one instant; how many, and where the audit stands."""
    (folder / DATABASE).mkdir()
    counts: dict[str, int] = {}
    with snapshot.instant(database) as connection:
        for table in snapshot.tables():
            counts[table.name] = 0
            with (folder / DATABASE / f"{table.name}.jsonl").open("w") as written:
                for line in snapshot.rows(connection, table):
                    written.write(line)
                    counts[table.name] += 1
        with Session(connection) as session:
            anchor = _anchor(session)
        broken = bundles.write_list(folder, kept, bundles.digests(connection))
    return {"rows": counts, "audit": anchor, "broken_bundles": broken}


def _anchor(session: Session) -> str:
    """The audit's last entry, as `audit verify --anchor` takes it; empty for a chain that does not hold."""
    try:
        count, last = audit.verify(session)
    except audit.Broken as broken:
        print(f"the audit does not hold, and is backed up as it is: {broken}", file=sys.stderr)
        return ""
    return f"{count}:{last}" if count else "0:"


def _read(session: Session, folder: Path, manifest: dict[str, Any]) -> int:
    """How many entries the audit has. Raises `CommandError`, and nothing has changed."""
    texts = {path.stem: path.open() for path in (folder / DATABASE).glob("*.jsonl")}
    try:
        snapshot.load(session, texts)
    except snapshot.Unfit as unfit:
        raise CommandError(f"the backup is of another version of this program: {unfit}") from None
    finally:
        for opened in texts.values():
            opened.close()
    session.expire_all()
    if not manifest["audit"]:
        return 0
    try:
        count, last = audit.verify(session)
    except audit.Broken as broken:
        raise CommandError(f"the backup's audit does not hold: {broken}") from None
    if manifest["audit"] != (f"{count}:{last}" if count else "0:"):
        raise CommandError("the backup's audit ends elsewhere than its manifest says; take another one")
    return count


def _require_empty(session: Session, files: Files) -> None:
    there = [] if snapshot.is_empty(session) else ["records of the control plane"]
    there += [str(path) for path in files.present()[:SHOWN]]
    if there:
        raise CommandError("there is something already, which --force replaces:\n" + "\n".join(there))


@contextmanager
def _fleet_at_rest(project: Project) -> Iterator[None]:
    """While no fleet run changes what is copied."""
    folder = project.home / "fleet"
    folder.mkdir(exist_ok=True)
    with leased(folder / "lock"):
        yield


def _note(session: Session, action: str, file: Path, sha256: str) -> None:
    details = {"file": file.name, "sha256": sha256}
    audit.append(session, audit.Deed(control_plane_records.actor(), action, "platform", details=details))


def _warn(what: str, names: list[str]) -> None:
    if names:
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        print(f"{len(names)} {what}: {', '.join(names[:SHOWN])}{more}", file=sys.stderr)
