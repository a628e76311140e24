"""Commits and annotated tags as git has them, by their hash, whether a ref leads to them or not."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from local_cloud import git_history
from local_cloud.call import Call, Strict
from local_cloud.git_commits import Draft, write_commit
from local_cloud.git_history import Person
from local_cloud.github.access import caller
from local_cloud.github.accounts import person
from local_cloud.github.commit import UNSIGNED, git_commit_shown, person_shown
from local_cloud.github.dialect import Created, not_found, refusal, unserved
from local_cloud.github.places import api_url, folder
from local_cloud.github.repository import repository_of, writable_repository_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="contents")

GIT = "/repos/{owner}/{repo}/git"


YEARS = range(1970, 2100)
"""In which git can tell the time."""


def _check_date(date: str) -> str:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:Z|[+-][0-9]{2}:[0-9]{2})?", date):
        raise ValueError("must be a time such as 2026-01-31T12:00:00Z")
    moment = datetime.fromisoformat(date)
    if moment.year not in YEARS:
        raise ValueError(f"must be in the years {YEARS.start} to {YEARS.stop - 1}")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


Words = Annotated[str, Field(min_length=1, pattern=r"^[^<>\x00-\x1f]+$")]


class Signature(Strict):
    """Who has made a commit, and when: now, if that isn't said."""

    name: Words
    email: Words
    date: Annotated[str, AfterValidator(_check_date)] | None = None

    def person(self) -> Person:
        return Person(name=self.name, email=self.email, date=self.date or datetime.now(UTC).isoformat())


class NewCommit(Strict):
    message: str
    tree: str
    parents: list[str] = Field(default_factory=list)
    author: Signature | None = None
    committer: Signature | None = None
    signature: str | None = None


@routes.on("GET", f"{GIT}/commits/{{sha}}")
def get_commit(call: Call) -> dict[str, Any]:
    repository, sha = repository_of(call), call["sha"]
    check_kind(call, repository, sha, "commit")
    (commit,) = git_history.commits(folder(call.cloud, repository), [sha])
    return git_commit_shown(call.cloud, repository, commit)


@routes.on("POST", f"{GIT}/commits")
def create_commit(call: Call) -> Created:
    """The author is whoever calls if it isn't said, the committer the author."""
    repository, sent = writable_repository_of(call), call.json(NewCommit)
    path = folder(call.cloud, repository)
    if sent.signature:
        raise unserved("signature: no commit is verified")
    if git_history.find_object(path, sent.tree) != "tree":
        raise refusal(422, "Tree SHA does not exist")
    if any(git_history.find_object(path, parent) != "commit" for parent in sent.parents):
        raise refusal(422, "Parent SHA does not exist or is not a commit object")
    author = sent.author.person() if sent.author else person(caller(call).login)
    committer = sent.committer and sent.committer.person()
    draft = Draft(tree=sent.tree, parents=sent.parents, message=sent.message, author=author, committer=committer)
    sha = write_commit(path, draft)
    (commit,) = git_history.commits(path, [sha])
    return Created(body=git_commit_shown(call.cloud, repository, commit))


@routes.on("GET", f"{GIT}/tags/{{sha}}")
def get_tag(call: Call) -> dict[str, Any]:
    """An annotated tag, by its own hash."""
    repository, sha = repository_of(call), call["sha"]
    check_kind(call, repository, sha, "tag")
    tag = git_history.annotated_tag(folder(call.cloud, repository), sha)
    url = f"{api_url(call.cloud, repository)}/git"
    return {
        "node_id": f"TA_{repository['id']}_{sha}",
        "tag": tag.name,
        "sha": sha,
        "url": f"{url}/tags/{sha}",
        "message": tag.message,
        "tagger": person_shown(tag.tagger),
        "object": {"sha": tag.target, "type": tag.kind, "url": f"{url}/{tag.kind}s/{tag.target}"},
        "verification": UNSIGNED,
    }


def check_kind(call: Call, repository: Document, sha: str, kind: str) -> None:
    """404 if there is no such object, or one of another type."""
    if git_history.find_object(folder(call.cloud, repository), sha) != kind:
        raise not_found()
