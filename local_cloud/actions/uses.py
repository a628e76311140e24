"""The actions of others that workflows may use here: local copies, which do the same on this machine."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import yaml

from local_cloud import git_history
from local_cloud.actions.workflow import Workflow

_LIBRARY = Path(__file__).parent / "library"

COPIES: Mapping[str, Path] = MappingProxyType(
    {f"actions/{path.name}": path for path in sorted(_LIBRARY.iterdir()) if path.is_dir()}
)
"""By `owner/name`, whatever version a workflow asks for."""


def copies(workflow: Workflow, repository: Path, sha: str) -> tuple[dict[str, Path], list[str]]:
    """The copies by what a workflow uses, such as `actions/cache@v4`, and what it uses that there is no copy of.

    Actions of the repository itself (`./path`) are followed into what they use.
    """
    found: dict[str, Path] = {}
    missing: list[str] = []
    for uses in _used([step.uses for job in workflow.jobs.values() for step in job.steps], repository, sha):
        copy = COPIES.get(uses.partition("@")[0])
        if copy:
            found[uses] = copy
        elif uses not in missing:
            missing.append(uses)
    return found, missing


def _used(several: Iterable[str], repository: Path, sha: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    for uses in several:
        if uses.startswith("./") and uses not in seen:
            yield from _used(_steps_of(uses, repository, sha), repository, sha, seen | {uses})
        elif uses and not uses.startswith("./"):
            yield uses


def _steps_of(uses: str, repository: Path, sha: str) -> list[str]:
    """What a composite action uses. One that isn't there, or isn't valid, is for act to complain of."""
    folder = uses.removeprefix("./").strip("/")
    for name in ("action.yml", "action.yaml"):
        text = git_history.file(repository, sha, f"{folder}/{name}")
        if text is not None:
            try:
                steps = yaml.load(text, yaml.BaseLoader)["runs"]["steps"]  # noqa: S506 - makes nothing but texts
                return [step["uses"] for step in steps if "uses" in step]
            except (yaml.YAMLError, LookupError, TypeError):
                return []
    return []
