"""A ref that is made, moved or deleted through the API: as the repository's rules allow, and told as a push is.

git moves it first; the store is told in the transaction of the call. If the process is killed in between, the change is
told with the next push, like that of a push which no process has lived to tell.
"""

from local_cloud.call import Call, Refusal
from local_cloud.git import GitError
from local_cloud.git_commits import move_ref
from local_cloud.git_history import RefChange
from local_cloud.github import pushes, rules
from local_cloud.github.access import caller
from local_cloud.github.dialect import refusal
from local_cloud.github.places import folder
from local_cloud.store import Document


def move(call: Call, repository: Document, change: RefChange, status: int = 422) -> Document:
    """The repository after it. Refused with `status` if a rule forbids it; with 409 if a push has moved the ref.

    Nothing may be refused after it.
    """
    if violations := rules.violations(call.cloud, repository, change, caller(call).login):
        raise violated(status, violations)
    return advance(call, repository, change)


def advance(call: Call, repository: Document, change: RefChange) -> Document:
    """Move it, whatever the rules say."""
    try:
        move_ref(folder(call.cloud, repository), change.ref, change.after, change.before)
    except GitError:
        raise refusal(409, "Reference update failed") from None
    return pushes.record(call.cloud, repository, caller(call).login)


def violated(status: int, violations: list[str]) -> Refusal:
    return refusal(status, "Repository rule violations found\n\n" + "".join(f"{text}\n\n" for text in violations))
