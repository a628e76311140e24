"""`overskill check`: what a change has to pass beside the tests, and what a release is made of."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Annotated

import typer

from overskill.errors import CommandError
from overskill.progress import CommandFailed, step
from overskill.project import Project

check = typer.Typer(no_args_is_help=True, help="What a change has to pass beside the tests; what a release is made of.")


@check.command()
def types() -> None:
    """Check the types of every package, as strictly as pyproject.toml says."""
    command = [sys.executable, "-m", "mypy"]
    raise typer.Exit(subprocess.run(command, cwd=Project().root, check=False).returncode)


@check.command()
def package(
    into: Annotated[Path, typer.Option(file_okay=False, help="The folder of both files.")] = Path("dist"),
    tag: Annotated[str | None, typer.Option(help="Of the release: has to be v and the version.")] = None,
) -> None:
    """Make the package of a release: a source archive, and a wheel of that."""
    project = Project()
    version = tomllib.loads((project.root / "pyproject.toml").read_text())["project"]["version"]
    if tag not in (None, f"v{version}"):
        raise CommandError(
            f"the tag is {tag}, and pyproject.toml says version {version}: tag v{version}, or change the version there"
        )
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(into.absolute())]
    try:
        with step(f"Package {version}: build") as running:
            running.run(command, log=project.logs / "package.log", cwd=project.root)
    except CommandFailed as failed:
        raise CommandError(f"the package cannot be built: {failed}") from failed
    print("\n".join(str(file) for file in sorted(into.glob(f"overskill-{version}*"))))
