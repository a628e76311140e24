"""The actions of others that workflows may use here: local copies, which do the same on this machine.

One that there is no copy of is in the way of a run, unless its step may be skipped: then it fails that step, if it is
reached. So a workflow that is made for GitHub runs here as far as it has to.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, kw_only=True)
class Used:
    """What a workflow uses, such as `actions/cache@v4`. `absent` is missing too, but in steps that may be skipped."""

    copies: Mapping[str, Path]
    missing: tuple[str, ...]
    absent: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.copies, *self.missing, *self.absent)


def used(workflow: Workflow, repository: Path, sha: str) -> Used:
    """Actions of the repository itself (`./path`) are followed into what they use."""
    steps = [step for job in workflow.jobs.values() for step in job.steps]
    everything = [*dict.fromkeys(_used([step.uses for step in steps], repository, sha))]
    certain = {*_used([step.uses for step in steps if not step.guarded], repository, sha)}
    copies = {uses: copy for uses in everything if (copy := COPIES.get(uses.partition("@")[0]))}
    others = [uses for uses in everything if uses not in copies]
    return Used(
        copies=copies,
        missing=tuple(uses for uses in others if uses in certain),
        absent=tuple(uses for uses in others if uses not in certain),
    )


def absent_place(uses: str, folder: Path) -> tuple[str, Path]:
    """The repository that act asks for an absent action, and what it is given: a folder below `folder`."""
    name, _, version = uses.partition("@")
    owner, repository = name.split("/")[:2]
    return f"{owner}/{repository}@{version}", folder / f"{owner}-{repository}-{version}"


def write_absent(uses: str, folder: Path) -> None:
    """An action in the place of an absent one, which fails by its name."""
    name = uses.partition("@")[0]
    place = absent_place(uses, folder)[1].joinpath(*name.split("/")[2:])
    place.mkdir(parents=True, exist_ok=True)
    step = {"shell": "bash", "run": f"echo '::error::{_no_copy(uses)}'; exit 1"}
    action = {"name": name, "description": name, "runs": {"using": "composite", "steps": [step]}}
    (place / "action.yml").write_text(yaml.safe_dump(action))


def _no_copy(uses: str) -> str:
    return f"this machine has no {uses}; it has {', '.join(COPIES)}"


def refusals(missing: Iterable[str]) -> Iterator[str]:
    """Why a run cannot begin, a line for each action."""
    return map(_no_copy, missing)


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
