"""What the rulesets of a repository forbid somebody: of a ref's change, and of merging a pull request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_cloud import proc_receive
from local_cloud.cloud import Cloud
from local_cloud.git_history import BRANCHES, RefChange, leads_to
from local_cloud.github.accounts import BOTS
from local_cloud.github.app import app_id
from local_cloud.github.commit_checks import checks_of, commits_with_checks, missing
from local_cloud.github.places import folder, html_url
from local_cloud.ref_rules import LINEAR, PROTECTED, RefRules
from local_cloud.store import Document

ADMIN_ROLE = 5
APPROVALS = "required_approving_review_count"
MAX_CHECKED = 100
"""Commits that are looked at for a push: the last of which something was said."""
CHECKS, STRICT = "required_status_checks", "strict_required_status_checks_policy"


@dataclass(frozen=True, kw_only=True)
class Guard:
    """Configuration and environment by which git holds to the rules when it takes a push."""

    configuration: Mapping[str, str]
    environment: Mapping[str, str]


UNGUARDED = Guard(configuration={}, environment={})


def violations(cloud: Cloud, repository: Document, change: RefChange, by: str) -> list[str]:
    """What GitHub says of each rule that a direct change of the ref breaks."""
    return _binding(cloud, repository, by).violations(folder(cloud, repository), change)


def merge_violations(cloud: Cloud, repository: Document, pull: Document, method: str, by: str) -> list[str]:
    """What GitHub says of each rule that merging a pull request breaks."""
    found = []
    for ruleset in of_ref(cloud, repository, BRANCHES + pull["base"]):
        if bypass(cloud, ruleset, by) != "never":
            continue
        rules = {rule["type"]: rule.get("parameters") or {} for rule in ruleset["rules"]}
        wanted = rules.get("pull_request", {})
        if "update" in rules:
            found.append(PROTECTED)
        if "required_linear_history" in rules and method == "merge":
            found.append(LINEAR)
        if method not in wanted.get("allowed_merge_methods", [method]):
            found.append(f"{method.capitalize()} merges are not allowed on this branch.")
        if count := wanted.get(APPROVALS, 0):
            # There is nobody who could review.
            reviews = "approving review is" if count == 1 else "approving reviews are"
            found.append(f"At least {count} {reviews} required by reviewers with write access.")
        if checks := rules.get(CHECKS):
            said = checks_of(cloud, repository, pull["head_sha"])
            found += filter(None, [missing(said, checks[CHECKS])])
            path, sides = folder(cloud, repository), (pull["base_sha"], pull["head_sha"])
            if checks[STRICT] and not leads_to(path, *sides):
                found.append("This branch is out-of-date with the base branch.")
    return found


def of_ref(cloud: Cloud, repository: Document, ref: str) -> list[Document]:
    """The rulesets that are active for a ref."""
    active = {ruleset["id"]: ruleset for ruleset in _active(cloud, repository)}
    rules = RefRules([_plain(ruleset) for ruleset in active.values()], repository["default_branch"])
    return [active[ruleset["id"]] for ruleset in rules.about(ref)]


def bypass(cloud: Cloud, ruleset: Document, by: str) -> str:
    """How far a ruleset does not hold for a bot, or for the user, who administers organisation and repository:
    `always`, `pull_requests_only`, `exempt` or `never`."""
    modes = {
        actor["bypass_mode"]
        for actor in ruleset["bypass_actors"]
        if (
            (actor["actor_type"], actor["actor_id"]) == ("Integration", app_id(cloud, by))
            if by in BOTS
            else actor["actor_type"] == "OrganizationAdmin"
            or (actor["actor_type"], actor["actor_id"]) == ("RepositoryRole", ADMIN_ROLE)
        )
    }
    names = {"always": "always", "exempt": "exempt", "pull_request": "pull_requests_only"}
    return next((name for mode, name in names.items() if mode in modes), "never")


def push_guard(cloud: Cloud, repository: Document, by: str) -> Guard:
    binding = _binding(cloud, repository, by)
    if not binding.rulesets:
        return UNGUARDED
    environment = proc_receive.environment(binding, f"{html_url(cloud, repository)}/rules?ref=")
    return Guard(configuration=proc_receive.CONFIGURATION, environment=environment)


def _active(cloud: Cloud, repository: Document) -> list[Document]:
    rulesets = cloud.store.values("rulesets", str(repository["id"]))
    return [ruleset for ruleset in rulesets if ruleset["enforcement"] == "active"]


def _binding(cloud: Cloud, repository: Document, by: str) -> RefRules:
    """What somebody can't get around by changing a ref directly."""
    rulesets = [
        {**_plain(ruleset), "checks": _checks(cloud, repository, ruleset)}
        for ruleset in _active(cloud, repository)
        if bypass(cloud, ruleset, by) in {"never", "pull_requests_only"}
    ]
    return RefRules(rulesets, repository["default_branch"])


def _checks(cloud: Cloud, repository: Document, ruleset: Document) -> list[dict[str, Any]]:
    """What a ruleset asks of commits, and which have that: for one who can't ask the store."""
    found = []
    for rule in ruleset["rules"]:
        if rule["type"] == CHECKS:
            required = rule["parameters"][CHECKS]
            passed = [
                sha
                for sha in commits_with_checks(cloud, repository)[:MAX_CHECKED]
                if not missing(checks_of(cloud, repository, sha), required)
            ]
            on_create = not rule["parameters"]["do_not_enforce_on_create"]
            found.append({"missing": missing([], required), "passed": passed, "on_create": on_create})
    return found


def _plain(ruleset: Document) -> dict[str, Any]:
    names = ruleset["conditions"]["ref_name"]
    return {
        "id": ruleset["id"],
        "target": ruleset["target"],
        "include": names["include"],
        "exclude": names["exclude"],
        "rules": [rule["type"] for rule in ruleset["rules"]],
    }
