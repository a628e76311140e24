"""`overskill template`: what apps start from, and the pipeline in their repositories."""

from collections import Counter
from typing import Annotated

import typer

from overskill.errors import CommandError
from overskill.fleet.projects import app_ids_in_fleet
from overskill.git_repository import GitRepository
from overskill.github_api import GitHubApi
from overskill.options import Stack
from overskill.project import LOCAL_STACK, Project
from overskill.stack_context import StackContext
from overskill.template.publish import publish
from overskill.template.upgrade import Upgrade
from overskill.template.versions import Versions

template = typer.Typer(no_args_is_help=True, help="What apps start from, and the pipeline in their repositories.")


@template.command("publish")
def publish_command(stack: Stack = LOCAL_STACK) -> None:
    """Push app_template/ to the template repository, which apps are made from."""
    context = StackContext(Project(), stack)
    context.require()
    commit = publish(context.project, context.config, context.credentials)
    name = context.config.template_repository
    print(f"{name}: {commit} is published" if commit else f"{name} is as app_template/ is")


@template.command()
def upgrade(
    names: Annotated[list[str] | None, typer.Argument(help="App ids. [default: all of this checkout]")] = None,
    *,
    wave: Annotated[int, typer.Option(min=1, help="So many pull requests at most.")] = 10,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Open none.")] = False,
    stack: Stack = LOCAL_STACK,
) -> None:
    """Offer the published pipeline to apps that have an older one, by pull requests; the same command goes on."""
    context = StackContext(Project(), stack)
    context.require()
    config, project = context.config, context.project
    known = sorted({*project.app_ids(stack), *app_ids_in_fleet(project, stack)})
    if unknown := sorted({*(names or [])} - {*known}):
        raise CommandError(f"there is no app {', '.join(unknown)} here; ./dev app list shows those that are")
    with GitRepository.cloned(config, context.credentials, config.template_repository) as repository:
        versions = Versions.of(repository)
    if not versions.newest:
        raise CommandError(f"{config.template_repository} has no pipeline: ./dev template publish --stack {stack}")
    counted: Counter[str] = Counter()
    with GitHubApi.of(config, context.credentials) as github:
        organization = config.overskill.github_organization
        made = Upgrade(github=github, organization=organization, versions=versions, wave=wave, dry_run=dry_run)
        for outcome in made.run(names or known):
            counted[outcome.state] += 1
            if outcome.state not in {"current", "later"}:
                print(f"{outcome.app_id:<20} {outcome.state:<10} {outcome.told}".rstrip(), flush=True)
    print(", ".join(f"{count} {state}" for state, count in counted.most_common()) or "no apps")
    if counted["failing"]:
        raise CommandError("a pull request of the wave before fails: look at it, or close it, before the next wave")
