"""What an organisation and a repository allow a run: which actions, and which branches to which environment."""

import re
from collections.abc import Iterable, Iterator

from local_cloud.cloud import Cloud
from local_cloud.github import actions_settings
from local_cloud.store import Document

GITHUBS_OWN = ("actions/", "github/")


def refused_actions(cloud: Cloud, repository: Document, several: Iterable[str]) -> Iterator[str]:
    """Why each of the actions that may not be used may not. Those of the organisation itself always may."""
    owner = repository["owner"]
    kept = actions_settings.setting(cloud, owner, "permissions")
    selected = actions_settings.setting(cloud, owner, "selected_actions")
    where = f"in {owner}/{repository['name']} because all actions must be"
    for uses in several:
        name, _, ref = uses.partition("@")
        own = name.lower().startswith(f"{owner.lower()}/")
        if kept["allowed_actions"] == "local_only" and not own:
            yield f"The action {uses} is not allowed {where} from a repository owned by {owner}."
        elif kept["allowed_actions"] == "selected" and not own and not _selected(selected, uses):
            yield f"The action {uses} is not allowed {where} ones that the organization has selected."
        if kept["sha_pinning_required"] and not re.fullmatch(r"[0-9a-f]{40}", ref):
            yield f"The action {uses} is not allowed {where} pinned to a full-length commit SHA."


def refused_environment(cloud: Cloud, repository: Document, name: str, ref: str) -> str:
    """Why a run of `ref` may not deploy to an environment; empty if it may."""
    environment = cloud.store.get("environments", str(repository["id"]), name)
    if not environment:
        return ""
    if environment["wait_timer"]:
        return f"the wait timer of environment {name}: set wait_timer to 0"
    policy = environment["deployment_branch_policy"]
    if policy and policy["custom_branch_policies"]:
        # There is no call here that could name a branch.
        branch = ref.split("/", 2)[2]
        return f'Branch "{branch}" is not allowed to deploy to {name} due to environment protection rules.'
    return ""


def _selected(selected: Document, uses: str) -> bool:
    if selected["github_owned_allowed"] and uses.startswith(GITHUBS_OWN):
        return True
    allowed = False
    for pattern in selected["patterns_allowed"]:
        expression = ".*".join(re.escape(part) for part in pattern.removeprefix("!").split("*"))
        if re.fullmatch(expression, uses) or re.fullmatch(expression, uses.partition("@")[0]):
            allowed = not pattern.startswith("!")
    return allowed
