"""Generated code as the first commit of an app's repository, the way the builder makes it."""

from collections.abc import Mapping
from pathlib import Path

from infra.config import StackConfig
from overskill.errors import CommandError
from overskill.git_repository import GitRepository
from overskill.project import Project
from overskill.template import PIPELINE

MANIFEST = "package.json"
LOCK = "package-lock.json"


def check_files(files: Path) -> None:
    """Raises `CommandError` for a folder that no pipeline could build."""
    if not files.is_dir():
        raise CommandError(f"--from {files}: there is no such folder")
    if missing := [name for name in (MANIFEST, LOCK) if not (files / name).is_file()]:
        raise CommandError(
            f"--from {files}: {' and '.join(missing)} missing, which the app is built from: start from app_template/, "
            f"or run npm install --package-lock-only there"
        )


def push_first(
    project: Project, config: StackConfig, credentials: Mapping[str, str], app_id: str, files: Path
) -> str | None:
    """Put `files` in the place of the template's, but for the pipeline; the commit, None if that was done before.

    Raises `CommandError` for a repository that has other commits than the template's.
    """
    full_name = f"{config.overskill.github_organization}/{app_id}"
    with GitRepository.cloned(config, credentials, full_name) as repository:
        tree = repository.tree_with(files.resolve(), ignored=project.template / ".gitignore", kept=PIPELINE)
        if tree == repository.git("rev-parse", "HEAD^{tree}"):
            return None
        if repository.git("rev-list", "--count", "HEAD") != "1":
            raise CommandError(f"{full_name} has commits of its own: nothing is pushed over them. Push to it by git")
        return repository.push(tree, "First version")
