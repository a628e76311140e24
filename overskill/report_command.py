"""`overskill report`: what workflows tell on GitHub, in the repository that they run in."""

from pathlib import Path
from typing import Annotated

import typer

from overskill.repository import Repository

report = typer.Typer(no_args_is_help=True, help="What workflows tell on GitHub, in the repository that they run in.")

Text = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A file of Markdown.")]


@report.command()
def comment(
    number: Annotated[int, typer.Argument(min=1, help="Of the pull request.")],
    text: Text,
    section: Annotated[str, typer.Option(help="Of the comment; the other sections stay.")] = "platform",
) -> None:
    """Write a section of the one comment on a pull request, made at first use and changed from then on."""
    print(Repository.of_environment().comment(number, section, text.read_text()))


@report.command()
def issue(
    text: Text,
    label: Annotated[str, typer.Option(help="By which the issue is found again.")],
    title: Annotated[str, typer.Option(help="Of the issue.")],
    *,
    solved: Annotated[bool, typer.Option("--solved", help="Nothing is the matter any more: close it.")] = False,
) -> None:
    """Open an issue about what the file says, or change the one that is open; close it once that is solved."""
    repository, told = Repository.of_environment(), f"```text\n{text.read_text().strip()}\n```\n"
    print(
        (repository.solve(label, told) if solved else repository.issue(label, title, told)) or "there is no such issue"
    )
