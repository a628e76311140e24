"""A hundred Pulumi projects over the one app program, so that no project has more stacks than the engine can bear.

The engine reads all stacks of a project at each run. The project of an app follows from its id alone; an app that
has a stack in the program's own project, as `overskill app create` makes it, keeps that.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from overskill.project import APP_PROJECT, Project

PROJECTS = 100


def project_name(app_id: str) -> str:
    """`overskill-apps-07`."""
    return f"{APP_PROJECT}-{int.from_bytes(hashlib.sha256(app_id.encode()).digest()[:8]) % PROJECTS:02}"


@dataclass(frozen=True)
class StackHome:
    """Where an app's stack is: the engine runs in `folder`, and `file` is the stack's configuration."""

    project: str
    folder: Path
    file: Path


def file_in_fleet(project: Project, app_id: str, stack: str) -> Path:
    """The configuration of an app's stack, where it is the fleet's."""
    return _folder(project, app_id) / "stacks" / f"Pulumi.{stack}.yaml"


def note_apps_file(project: Project, platform_stack: str, file: Path) -> None:
    """Remember which file was read last for a platform stack."""
    _note(project, platform_stack).write_text(f"{file.resolve()}\n")


def noted_apps_file(project: Project, platform_stack: str) -> str:
    """The path of the file that was read last; empty where there was none."""
    note = _note(project, platform_stack)
    return note.read_text().strip() if note.exists() else ""


def app_ids_in_fleet(project: Project, platform_stack: str) -> list[str]:
    """The apps of a platform stack that the fleet has made here, by name."""
    files = (project.home / "fleet").glob(f"{APP_PROJECT}-*/stacks/Pulumi.{platform_stack}.*.yaml")
    return sorted(file.name.split(".")[2] for file in files)


def home(project: Project, app_id: str, stack: str) -> StackHome:
    """The place of an app's stack in this checkout, made if need be."""
    own = project.app_stack_file(stack)
    if own.exists():
        return StackHome(APP_PROJECT, project.apps, own)
    folder, file = _folder(project, app_id), file_in_fleet(project, app_id, stack)
    file.parent.mkdir(parents=True, exist_ok=True)
    program = folder / "Pulumi.yaml"
    text = f"name: {folder.name}\nruntime: python\nmain: {project.apps}\nstackConfigDir: stacks\n"
    if not program.exists() or program.read_text() != text:
        program.write_text(text)
    return StackHome(folder.name, folder, file)


def _note(project: Project, platform_stack: str) -> Path:
    return project.home / "fleet" / f"{platform_stack}.file"


def _folder(project: Project, app_id: str) -> Path:
    return project.home / "fleet" / project_name(app_id)
