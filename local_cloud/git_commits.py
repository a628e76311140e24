"""New commits of a bare git repository: by themselves, by merging, by rebasing; and refs that are moved to them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from local_cloud import git_history
from local_cloud.git import EMAIL, NAME, GitError, git, git_line
from local_cloud.git_history import NONE, Person


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A commit to be written. Its author is git's own name if it isn't said, its committer the author."""

    tree: str
    parents: Sequence[str]
    message: str
    author: Person | None = None
    committer: Person | None = None


def write_commit(repository: Path, draft: Draft) -> str:
    """A commit that no ref leads to yet. Raises `GitError`."""
    author = draft.author or Person(name=NAME, email=EMAIL, date=datetime.now(UTC).isoformat())
    lines = [
        f"tree {draft.tree}",
        *(f"parent {parent}" for parent in draft.parents),
        f"author {_signature(author)}",
        f"committer {_signature(draft.committer or author)}",
    ]
    text = "\n".join(lines) + f"\n\n{draft.message}"
    return git_line(repository, "hash-object", "-t", "commit", "-w", "--stdin", stdin=text.encode())


def merge_tree(repository: Path, one: str, other: str) -> str | None:
    """The tree of a merge of two commits; None if they conflict, or have no history in common."""
    try:
        return git_line(repository, "merge-tree", "--write-tree", one, other).partition("\n")[0]
    except GitError:
        return None


def rebase(repository: Path, commits: Iterable[git_history.Commit], onto: str, committer: Person) -> str | None:
    """The last of the copies of `commits`, oldest first, one upon the other; None if one of them conflicts."""
    for commit in commits:
        # git merges by the history of two commits: the tree to build on is shown as a sibling of the commit.
        tree = git_line(repository, "rev-parse", "--verify", f"{onto}^{{tree}}")
        sibling = write_commit(repository, Draft(tree=tree, parents=commit.parents[:1], message=""))
        tree = merge_tree(repository, sibling, commit.sha)
        if not tree:
            return None
        copy = Draft(tree=tree, parents=[onto], message=commit.message, author=commit.author, committer=committer)
        onto = write_commit(repository, copy)
    return onto


def move_ref(repository: Path, ref: str, new: str, old: str) -> None:
    """Make, move or delete a ref (`NONE`: it is not there). Raises `GitError` if it isn't at `old` any more."""
    if new == NONE:
        git(repository, "update-ref", "-d", ref, old)
    else:
        git(repository, "update-ref", ref, new, old)


def _signature(person: Person) -> str:
    moment = datetime.fromisoformat(person.date)
    return f"{person.name} <{person.email}> {int(moment.timestamp())} {moment:%z}"
