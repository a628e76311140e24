"""Merging a pull request: by a merge commit, by one commit of all that it changes, or by copies of its commits."""

from typing import Any, Literal

from local_cloud import git_history
from local_cloud.call import Call, Strict
from local_cloud.cloud import Cloud
from local_cloud.git import git
from local_cloud.git_commits import Draft, rebase, write_commit
from local_cloud.git_history import BRANCHES, NONE, Commit, Person, RefChange
from local_cloud.github import pushes, rules
from local_cloud.github.access import caller
from local_cloud.github.accounts import person
from local_cloud.github.dialect import not_found, refusal
from local_cloud.github.places import folder
from local_cloud.github.pull_request import commits_of, pull_ref
from local_cloud.github.pull_requests import PULL, pull_of
from local_cloud.github.ref_moves import advance, violated
from local_cloud.github.repository import repository_of, writable_repository_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="contents")

NAMES = {"merge": "Merge commits", "squash": "Squash merges", "rebase": "Rebase merges"}
ALLOWED = {"merge": "allow_merge_commit", "squash": "allow_squash_merge", "rebase": "allow_rebase_merge"}


class Merge(Strict):
    """`sha` is what the head branch must be at. Title and message are those of the commit, if it isn't a rebase."""

    commit_title: str | None = None
    commit_message: str | None = None
    sha: str | None = None
    merge_method: Literal["merge", "squash", "rebase"] = "merge"


@routes.on("GET", f"{PULL}/merge")
def is_merged(call: Call) -> None:
    """204 if it has been merged, 404 if not."""
    if not pull_of(call, repository_of(call))["merged_at"]:
        raise not_found()


@routes.on("PUT", f"{PULL}/merge")
def merge_pull_request(call: Call) -> dict[str, Any]:
    """405 if it can't be merged, or not so; 409 if a branch has moved."""
    repository, sent = writable_repository_of(call), call.json(Merge) if call.body else Merge()
    repository = pushes.record(call.cloud, repository)
    pull, method, by = pull_of(call, repository), sent.merge_method, caller(call).login
    if not repository[ALLOWED[method]]:
        raise refusal(405, f"{NAMES[method]} are not allowed on this repository.")
    if pull["draft"]:
        raise refusal(405, "Pull Request is still a draft")
    if pull["state"] == "closed" or not pull["mergeable"]:
        raise refusal(405, "Pull Request is not mergeable")
    if sent.sha not in {None, pull["head_sha"]}:
        raise refusal(409, "Head branch was modified. Review and try the merge again.")
    if violations := rules.merge_violations(call.cloud, repository, pull, method, by):
        raise violated(405, violations)
    path = folder(call.cloud, repository)
    made = _made(call.cloud, repository, pull, sent, person(by))
    if not made:
        raise refusal(405, "This branch can't be rebased")
    # What git has says that it was merged, should nobody live to write that down.
    git(path, "update-ref", pull_ref(pull["number"], "merge"), made)
    move = RefChange(ref=BRANCHES + pull["base"], before=pull["base_sha"], after=made)
    _delete_branch(call, advance(call, repository, move), pull)
    return {"sha": made, "merged": True, "message": "Pull Request successfully merged"}


def _made(cloud: Cloud, repository: Document, pull: Document, sent: Merge, committer: Person) -> str | None:
    """The commit to move the base branch to; None if it can't be."""
    path, commits = folder(cloud, repository), commits_of(cloud, repository, pull)
    if sent.merge_method == "rebase":
        return rebase(path, [commit for commit in commits if len(commit.parents) == 1], pull["base_sha"], committer)
    if sent.merge_method == "merge":
        title, message = _merge_message(repository, pull)
        parents = [pull["base_sha"], pull["head_sha"]]
    else:
        title, message = _squash_message(repository, pull, commits)
        parents = [pull["base_sha"]]
    title = title if sent.commit_title is None else sent.commit_title
    message = message if sent.commit_message is None else sent.commit_message
    ((tree, _),) = [
        found for found in git_history.object_types(path, [f"{pull['merge_commit_sha']}^{{tree}}"]) if found
    ]
    text = f"{title}\n\n{message}".strip()
    return write_commit(path, Draft(tree=tree, parents=parents, message=text, author=committer))


def _merge_message(repository: Document, pull: Document) -> tuple[str, str]:
    number, title, body = pull["number"], pull["title"], pull["body"] or ""
    standard = f"Merge pull request #{number} from {repository['owner']}/{pull['head']}"
    titles = {"MERGE_MESSAGE": standard, "PR_TITLE": f"{title} (#{number})"}
    messages = {"PR_TITLE": title, "PR_BODY": body, "BLANK": ""}
    return titles[repository["merge_commit_title"]], messages[repository["merge_commit_message"]]


def _squash_message(repository: Document, pull: Document, commits: list[Commit]) -> tuple[str, str]:
    only = commits[0].message.partition("\n") if len(commits) == 1 else None
    title = only[0] if only and repository["squash_merge_commit_title"] == "COMMIT_OR_PR_TITLE" else pull["title"]
    all_messages = only[2].strip() if only else "\n\n".join(f"* {commit.message}" for commit in commits)
    messages = {"COMMIT_MESSAGES": all_messages, "PR_BODY": pull["body"] or "", "BLANK": ""}
    return f"{title} (#{pull['number']})", messages[repository["squash_merge_commit_message"]]


def _delete_branch(call: Call, repository: Document, pull: Document) -> None:
    """The head branch, if the repository wants that and no rule keeps it."""
    change = RefChange(ref=BRANCHES + pull["head"], before=pull["head_sha"], after=NONE)
    wanted = repository["delete_branch_on_merge"] and pull["head"] != repository["default_branch"]
    if wanted and not rules.violations(call.cloud, repository, change, caller(call).login):
        advance(call, repository, change)
