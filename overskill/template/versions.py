"""The pipeline through the template's history: which versions of its files there have been, and what they hold."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from overskill.git_repository import GitRepository
from overskill.template import PIPELINE

Blobs = Mapping[str, str]
"""The hash of each file by its path."""


@dataclass(frozen=True, kw_only=True)
class Versions:
    """`texts` are those of the newest."""

    newest: Blobs
    older: tuple[Blobs, ...]
    commit: str
    texts: Mapping[str, str]

    @classmethod
    def of(cls, template: GitRepository) -> "Versions":
        commits = template.git("rev-list", "HEAD", "--", *PIPELINE).splitlines()
        newest, *older = [_blobs(template, commit) for commit in commits] or [{}]
        return cls(
            newest=newest,
            older=tuple(older),
            commit=commits[0] if commits else "",
            texts={path: template.text(sha) for path, sha in newest.items()},
        )


def is_pipeline(path: str) -> bool:
    return any(path == own or path.startswith(f"{own}/") for own in PIPELINE)


def blobs(entries: Iterable[Mapping[str, str]]) -> Blobs:
    """The pipeline's files among the entries of a tree, as GitHub gives them."""
    return {entry["path"]: entry["sha"] for entry in entries if entry["type"] == "blob" and is_pipeline(entry["path"])}


def _blobs(template: GitRepository, commit: str) -> Blobs:
    lines = template.git("ls-tree", "-r", "--format=%(objectname) %(path)", commit, "--", *PIPELINE).splitlines()
    return {path: sha for sha, path in (line.split(" ", 1) for line in lines)}
