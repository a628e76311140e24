"""What statuses and check runs say of a commit, by name; and whether those have succeeded that have to."""

from collections.abc import Sequence
from dataclasses import dataclass

from local_cloud.cloud import Cloud
from local_cloud.github.accounts import BOTS
from local_cloud.github.app import app_id
from local_cloud.github.check_run import latest, runs_of
from local_cloud.github.commit_statuses import newest
from local_cloud.store import Document

SUCCESS, PENDING = "success", "pending"
GOOD = {SUCCESS, "neutral", "skipped"}
"""The conclusions of check runs that hold nothing up."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """`state` is `success`, `pending`, or how it has failed; `app` is the id of the App that says so, if one does."""

    name: str
    state: str
    app: int | None


def checks_of(cloud: Cloud, repository: Document, sha: str) -> list[Check]:
    said = [(one["context"], one["state"], one["by"]) for one in newest(cloud, repository, sha)]
    for run in latest(runs_of(cloud, repository, sha)):
        state = SUCCESS if run["conclusion"] in GOOD else run["conclusion"] or PENDING
        said.append((run["name"], state, run["by"]))
    return [Check(name=name, state=state, app=app_id(cloud, by) if by in BOTS else None) for name, state, by in said]


def commits_with_checks(cloud: Cloud, repository: Document) -> list[str]:
    """The hashes of the commits of which something is said, the last that was said first."""
    scope = str(repository["id"])
    said = [(run["id"], run["head_sha"]) for run in cloud.store.values("workflow_runs", scope)]
    for collection in ("commit_statuses", "check_runs"):
        parts = [key.partition("/") for key in cloud.store.keys(collection, scope)]
        said += [(int(number), sha) for sha, _, number in parts]
    return list(dict.fromkeys(sha for _, sha in sorted(said, reverse=True)))


def missing(checks: Sequence[Check], required: Sequence[Document]) -> str:
    """What GitHub says if not all of `required`, `[{context, integration_id?}]`, have succeeded; empty if they have."""
    states = [state for one in required if (state := _state(checks, one)) != SUCCESS]
    if not states:
        return ""
    if len(required) == 1:
        word = {"": "expected", PENDING: "in progress"}.get(states[0], "failing")
        return f'Required status check "{required[0]["context"]}" is {word}.'
    what = "have not succeeded" if any(states) else "are expected"
    return f"{len(states)} of {len(required)} required status checks {what}."


def _state(checks: Sequence[Check], required: Document) -> str:
    """Success if all of that name have succeeded, empty if there is none."""
    app = required.get("integration_id")
    states = {one.state for one in checks if one.name == required["context"] and app in {None, one.app}}
    return next((state for state in sorted(states) if state != SUCCESS), SUCCESS if states else "")
