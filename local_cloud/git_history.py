"""What a bare git repository holds: its refs, its commits, and what each of them changed."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from local_cloud.git import GitError, git, git_line

NONE = "0" * 40
"""The hash of a ref that is not there."""

BRANCHES, TAGS = "refs/heads/", "refs/tags/"

_FORMAT = "%H%n%T%n%P%n%an%n%ae%n%aI%n%cn%n%ce%n%cI%n%B"
_CHANGES = {"A": "added", "D": "removed", "M": "modified", "T": "changed", "R": "renamed"}
# What no ref has in its name, but the words by which git finds other revisions.
_NO_NAME = re.compile(r"[\x00-\x20~^:?*\[\\\x7f]|\.\.|@\{")


@dataclass(frozen=True, kw_only=True)
class RefChange:
    """`before` or `after` is `NONE` if the ref was made or deleted."""

    ref: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Person:
    """`date` is in ISO 8601, in the person's own time zone."""

    name: str
    email: str
    date: str


@dataclass(frozen=True, kw_only=True)
class Commit:
    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str


@dataclass(frozen=True, kw_only=True)
class FileChange:
    """`blob` is the file's content, None if it was removed; a file that isn't text has no lines."""

    path: str
    previous: str | None
    status: str
    blob: str | None
    additions: int
    deletions: int


@dataclass(frozen=True, kw_only=True)
class Tag:
    """An annotated tag. `kind` is the type of what it points at."""

    name: str
    target: str
    kind: str
    tagger: Person
    message: str


def refs(repository: Path) -> dict[str, str]:
    """The branches and tags by full name, such as `refs/heads/main`, with what they point at."""
    lines = git(repository, "for-each-ref", "--format=%(refname) %(objectname)", BRANCHES, TAGS)
    return dict(line.rsplit(" ", 1) for line in lines.decode(errors="replace").split("\n")[:-1])


def refs_within(repository: Path, commit: str, prefix: str) -> dict[str, str]:
    """The refs below `prefix` that point at a commit or at one before it, with what they point at."""
    form = "--format=%(refname) %(objectname)"
    lines = git(repository, "for-each-ref", form, f"--merged={commit}", prefix).decode(errors="replace")
    return dict(line.rsplit(" ", 1) for line in lines.split("\n")[:-1])


def object_types(repository: Path, names: Iterable[str]) -> list[tuple[str, str] | None]:
    """Hash and type of what each name leads to, such as `refs/heads/main^{commit}`; None if it leads nowhere."""
    lines = git(
        repository, "cat-file", "--batch-check=%(objectname) %(objecttype)", stdin="\n".join(names).encode()
    ).decode()
    found = [line.split(" ") for line in lines.splitlines()]
    return [(words[0], words[1]) if re.fullmatch(r"[0-9a-f]{40}", words[0]) else None for words in found]


def line(repository: Path, commit: str) -> list[str]:
    """The hashes of a commit and of all before it, the newest first."""
    return git(repository, "rev-list", commit).decode().split()


def find_ref(repository: Path, ref: str) -> tuple[str, str] | None:
    """Hash and type of what a full name, such as `refs/pull/1/head`, points at."""
    return None if _NO_NAME.search(ref) else object_types(repository, [ref])[0]


def find_object(repository: Path, sha: str) -> str | None:
    """The type of the object with exactly that hash."""
    found = object_types(repository, [sha])[0] if re.fullmatch(r"[0-9a-f]{40}", sha) else None
    return found[1] if found else None


def find_commit(repository: Path, name: str) -> str | None:
    """The commit that a branch, a tag, `heads/...`, `tags/...`, `HEAD` or (part of) a hash names."""
    if not name or _NO_NAME.search(name):
        return None
    names = [f"refs/heads/{name}", f"refs/tags/{name}", f"refs/{name}"]
    names += [name] if re.fullmatch(r"[0-9a-f]{4,40}|HEAD", name) else []
    found = object_types(repository, [f"{candidate}^{{commit}}" for candidate in names])
    return next((one[0] for one in found if one), None)


def commits(repository: Path, shown: Iterable[str], hidden: Iterable[str] = (), limit: int = 1) -> list[Commit]:
    """The newest commits that `shown` lead to and `hidden` don't, the newest first."""
    revisions = [*shown, *(f"^{revision}" for revision in hidden)]
    arguments = ("log", "-z", f"--max-count={limit}", "--ignore-missing", f"--format={_FORMAT}", "--stdin")
    printed = git(repository, *arguments, stdin="\n".join(revisions).encode()).decode(errors="replace")
    return [_commit(text) for text in printed.split("\0") if text]


def branches_with(repository: Path, sha: str, limit: int) -> dict[str, str]:
    """Some of the branches that lead to a commit, by name, with what they point at."""
    arguments = ("for-each-ref", f"--contains={sha}", f"--count={limit}", "--format=%(refname:lstrip=2) %(objectname)")
    lines = git(repository, *arguments, "refs/heads").decode(errors="replace")
    return dict(line.rsplit(" ", 1) for line in lines.split("\n")[:-1])


def annotated_tag(repository: Path, sha: str) -> Tag:
    printed = git(repository, "cat-file", "tag", sha).decode(errors="replace")
    head, _, message = printed.partition("\n\n")
    fields = dict(line.split(" ", 1) for line in head.split("\n"))
    tagger = re.fullmatch(r"(.*) <(.*)> (\d+) ([+-]\d{4})", fields.get("tagger", ""))
    name, email, seconds, zone = tagger.groups() if tagger else ("", "", "0", "+0000")
    date = datetime.fromtimestamp(int(seconds), datetime.strptime(zone, "%z").tzinfo).isoformat()
    person = Person(name=name, email=email, date=date)
    target, kind = fields["object"], fields["type"]
    return Tag(name=fields["tag"], target=target, kind=kind, tagger=person, message=message.rstrip("\n"))


def merge_base(repository: Path, one: str, other: str) -> str | None:
    """The commit in which two lines of history part; None if they have none in common."""
    try:
        return git_line(repository, "merge-base", one, other)
    except GitError:
        return None


def leads_to(repository: Path, ancestor: str, commit: str) -> bool:
    """Whether `ancestor` is `commit` or before it. Not so if either is gone."""
    try:
        git(repository, "merge-base", "--is-ancestor", ancestor, commit)
    except GitError:
        return False
    return True


def has_merges(repository: Path, before: str, after: str) -> bool:
    """Whether commits of several parents lead from one commit to another; from what there is if `before` is NONE."""
    hidden = ["--not", "--all"] if before == NONE else [f"^{before}"]
    return bool(git(repository, "rev-list", "--merges", "--max-count=1", after, *hidden))


def changed_paths(repository: Path, several: Iterable[Commit]) -> Mapping[str, Mapping[str, list[str]]]:
    """By commit: the paths that it `added`, `removed` and `modified`, compared to its first parent."""
    lines = "".join(" ".join([commit.sha, *commit.parents[:1]]) + "\n" for commit in several)
    arguments = ("diff-tree", "--stdin", "-r", "-z", "--root", "--no-renames", "--name-status")
    fields = iter(git(repository, *arguments, stdin=lines.encode()).decode(errors="replace").split("\0")[:-1])
    changed: dict[str, dict[str, list[str]]] = {}
    for field in fields:
        # A commit that changes nothing is not printed at all.
        if len(field) == 40:
            lists = changed[field] = {"added": [], "removed": [], "modified": []}
        else:
            status = _CHANGES[field]
            lists["modified" if status == "changed" else status].append(next(fields))
    return changed


def file_changes(repository: Path, before: str | None, after: str) -> list[FileChange]:
    """What differs between two commits, with lines counted; every file of `after` if there is none before it."""
    compared = [before, after] if before else ["--root", after]
    arguments = ("diff-tree", "-r", "-z", "-M", "--raw", "--numstat", "--no-commit-id", *compared)
    fields = iter(git(repository, *arguments).decode(errors="replace").split("\0")[:-1])
    changes: dict[str, tuple[str, str, str | None]] = {}
    lines: dict[str, tuple[int, int]] = {}
    for field in fields:
        if field.startswith(":"):
            _, _, _, blob, status = field.split(" ")
            previous = next(fields) if status[0] == "R" else None
            changes[next(fields)] = (_CHANGES[status[0]], blob, previous)
        else:
            added, removed, path = field.split("\t", 2)
            if not path:
                _, path = next(fields), next(fields)
            lines[path] = (0, 0) if added == "-" else (int(added), int(removed))
    return [
        FileChange(
            path=path,
            previous=previous,
            status=status,
            blob=None if blob == NONE else blob,
            additions=lines[path][0],
            deletions=lines[path][1],
        )
        for path, (status, blob, previous) in changes.items()
    ]


def file(repository: Path, commit: str, path: str) -> str | None:
    """The text of a file at a commit, or None if there is no such file."""
    try:
        return git(repository, "cat-file", "blob", f"{commit}:{path}").decode(errors="replace")
    except GitError:
        return None


def folder(repository: Path, commit: str, path: str) -> list[str]:
    """The paths of the files of a folder (named with a slash at its end) at a commit; none if it isn't there."""
    try:
        return git(repository, "ls-tree", "-z", "--name-only", commit, path).decode(errors="replace").split("\0")[:-1]
    except GitError:
        return []


def paths_between(repository: Path, revisions: str) -> list[str] | None:
    """The paths that differ in `A..B`, or in `A...B` between B and where it left A; None if a commit is gone."""
    try:
        printed = git(repository, "diff", "--name-only", "--no-renames", "-z", revisions)
    except GitError:
        return None
    return printed.decode(errors="replace").split("\0")[:-1]


def _commit(text: str) -> Commit:
    sha, tree, parents, author, author_email, authored, committer, email, committed, message = text.split("\n", 9)
    return Commit(
        sha=sha,
        tree=tree,
        parents=tuple(parents.split()),
        author=Person(name=author, email=author_email, date=_date(authored)),
        committer=Person(name=committer, email=email, date=_date(committed)),
        message=message.rstrip("\n"),
    )


def _date(printed: str) -> str:
    """git leaves the placeholder where a commit has no time that it can read."""
    return "1970-01-01T00:00:00+00:00" if printed.startswith("%") else printed
