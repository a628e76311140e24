"""`app_template/` of this checkout, pushed to the platform's template repository."""

from collections.abc import Mapping

from infra.config import StackConfig
from overskill.errors import CommandError
from overskill.git_repository import GitRepository
from overskill.project import Project


def publish(project: Project, config: StackConfig, credentials: Mapping[str, str]) -> str | None:
    """The new commit, None where the repository is as the files are already.

    Raises `CommandError` where the repository is another stack's, or git fails.
    """
    if config.overskill.template != "own":
        raise CommandError(
            f"{config.template_repository} is not this stack's: publish from the stack with overskill:template: own"
        )
    files = project.template
    with GitRepository.cloned(config, credentials, config.template_repository) as repository:
        tree = repository.tree_with(files, ignored=files / ".gitignore")
        if tree == repository.git("rev-parse", "HEAD^{tree}"):
            return None
        return repository.push(tree, "Template")
