"""Rulesets of a repository: what its branches and tags may not become."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from local_cloud.call import Answer, Call, Strict
from local_cloud.git_history import BRANCHES
from local_cloud.github import numbered, rules
from local_cloud.github.access import caller
from local_cloud.github.dialect import Created, now, page, refusal, unserved
from local_cloud.github.places import api_url, html_url
from local_cloud.github.repository import repository_of, writable_repository_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="administration")

RULESETS = "/repos/{owner}/{repo}/rulesets"
RULESET = f"{RULESETS}/{{ruleset}}"

WITHOUT_PARAMETERS = {"creation", "deletion", "non_fast_forward", "required_linear_history"}


def _check_pattern(pattern: str) -> str:
    if not re.fullmatch(r"~ALL|~DEFAULT_BRANCH|refs/(heads|tags)/[^\s\[\]\\]+", pattern):
        raise ValueError("must be ~ALL, ~DEFAULT_BRANCH, or begin with refs/heads/ or refs/tags/")
    return pattern


Patterns = list[Annotated[str, AfterValidator(_check_pattern)]]


class RefNames(Strict):
    include: Patterns = Field(default_factory=list)
    exclude: Patterns = Field(default_factory=list)


class Conditions(Strict):
    ref_name: RefNames = RefNames()


class BypassActor(Strict):
    actor_id: int | None = None
    actor_type: Literal["Integration", "OrganizationAdmin", "RepositoryRole", "Team", "DeployKey", "User"]
    bypass_mode: Literal["always", "pull_request", "exempt"] = "always"


class UpdateParameters(Strict):
    update_allows_fetch_and_merge: bool


class PullRequestParameters(Strict):
    allowed_merge_methods: Annotated[list[Literal["merge", "squash", "rebase"]], Field(min_length=1)] = Field(
        default_factory=lambda: ["merge", "squash", "rebase"]
    )
    dismiss_stale_reviews_on_push: bool
    require_code_owner_review: bool
    require_last_push_approval: bool
    required_approving_review_count: Annotated[int, Field(ge=0, le=10)]
    required_review_thread_resolution: bool
    required_reviewers: list[Any] = Field(default_factory=list)


class StatusCheck(Strict):
    context: Annotated[str, Field(min_length=1)]
    integration_id: int | None = None


class StatusCheckParameters(Strict):
    required_status_checks: Annotated[list[StatusCheck], Field(min_length=1)]
    strict_required_status_checks_policy: bool
    do_not_enforce_on_create: bool = False


class Rule(Strict):
    type: str
    parameters: dict[str, Any] | None = None


class NewRuleset(Strict):
    """`source` and `source_type` are the ruleset's own, which clients send back."""

    name: Annotated[str, Field(min_length=1)]
    target: Literal["branch", "tag", "push"] = "branch"
    enforcement: Literal["disabled", "active", "evaluate"]
    bypass_actors: list[BypassActor] = Field(default_factory=list)
    conditions: Conditions = Conditions()
    rules: list[Rule] = Field(default_factory=list)
    source: str | None = None
    source_type: str | None = None


class ChangedRuleset(NewRuleset):
    """What is not sent stays."""

    name: Annotated[str | None, Field(min_length=1)] = None
    enforcement: Literal["disabled", "active", "evaluate"] | None = None


@routes.on("GET", RULESETS, "metadata")
def list_rulesets(call: Call) -> Answer:
    """The repository's own, which are all that there are. `targets` are separated by commas."""
    sent = call.filters("includes_parents", "targets", "page", "per_page")
    targets = sent.get("targets", "branch,tag,push").split(",")
    repository = repository_of(call)
    found = call.store.values("rulesets", str(repository["id"]))
    return page(call, [_listed(call, repository, ruleset) for ruleset in found if ruleset["target"] in targets])


@routes.on("POST", RULESETS)
def create_ruleset(call: Call) -> Created:
    repository, sent = writable_repository_of(call), call.json(NewRuleset)
    at = now()
    ruleset = {"id": call.store.next_number(), "created_at": at, **_kept(call, sent)}
    return Created(body=_put(call, repository, ruleset))


@routes.on("GET", RULESET, "metadata")
def get_ruleset(call: Call) -> dict[str, Any]:
    call.filters("includes_parents")
    repository = repository_of(call)
    return _shown(call, repository, _ruleset(call, repository))


@routes.on("PUT", RULESET)
def put_ruleset(call: Call) -> dict[str, Any]:
    repository, sent = writable_repository_of(call), call.json(ChangedRuleset)
    ruleset = _ruleset(call, repository)
    kept = _kept(call, sent).items()
    changed = {name: value for name, value in kept if name in sent.model_fields_set and value is not None}
    return _put(call, repository, {**ruleset, **changed})


@routes.on("DELETE", RULESET)
def delete_ruleset(call: Call) -> None:
    repository = writable_repository_of(call)
    numbered.delete(call.cloud, repository, "rulesets", _ruleset(call, repository))


@routes.on("GET", "/repos/{owner}/{repo}/rules/branches/{branch*}", "metadata")
def list_branch_rules(call: Call) -> Answer:
    """The rules that are active for a branch, whether it is there or not."""
    repository = repository_of(call)
    source = {"ruleset_source_type": "Repository", "ruleset_source": f"{repository['owner']}/{repository['name']}"}
    found = rules.of_ref(call.cloud, repository, BRANCHES + call["branch"])
    return page(
        call, [{**rule, **source, "ruleset_id": ruleset["id"]} for ruleset in found for rule in ruleset["rules"]]
    )


def _kept(call: Call, sent: NewRuleset) -> Document:
    if sent.target == "push":
        raise unserved("rulesets for pushes: use branch or tag")
    if sent.enforcement == "evaluate":
        raise unserved("enforcement=evaluate: use active or disabled")
    if unknown := sorted({actor.actor_type for actor in sent.bypass_actors} & {"Team", "DeployKey", "User"}):
        raise unserved(f"bypass_actors of type {', '.join(unknown)}: there are none")
    own = {"source", "source_type", "rules"}
    return {**sent.model_dump(exclude=own), "rules": [_rule(call, rule) for rule in sent.rules]}


def _rule(call: Call, rule: Rule) -> Document:
    if rule.type in WITHOUT_PARAMETERS:
        if rule.parameters:
            raise call.invalid("rules.parameters", f"{rule.type} has none")
        return {"type": rule.type}
    if rule.type == "update":
        default = {"update_allows_fetch_and_merge": False}
        parameters = call.checked(UpdateParameters, rule.parameters or default)
        return {"type": rule.type, "parameters": parameters.model_dump()}
    if rule.type == "pull_request":
        wanted = call.checked(PullRequestParameters, rule.parameters or {})
        if wanted.required_reviewers:
            raise unserved("required_reviewers of a pull_request rule: there are no teams")
        return {"type": rule.type, "parameters": wanted.model_dump()}
    if rule.type == "required_status_checks":
        checks = call.checked(StatusCheckParameters, rule.parameters or {})
        return {"type": rule.type, "parameters": checks.model_dump(exclude_none=True)}
    raise unserved(f"rules of type {rule.type}")


def _ruleset(call: Call, repository: Document) -> Document:
    return numbered.named(call, repository, "rulesets", "ruleset")


def _put(call: Call, repository: Document, ruleset: Document) -> dict[str, Any]:
    for other in call.store.values("rulesets", str(repository["id"])):
        if other["name"] == ruleset["name"] and other["id"] != ruleset["id"]:
            raise refusal(422, "Validation Failed", ["Name must be unique"])
    ruleset = {**ruleset, "updated_at": now()}
    numbered.put(call.cloud, repository, "rulesets", ruleset)
    return _shown(call, repository, ruleset)


def _listed(call: Call, repository: Document, ruleset: Document) -> dict[str, Any]:
    number = ruleset["id"]
    html = f"{html_url(call.cloud, repository)}/rules/{number}"
    return {
        **{name: ruleset[name] for name in ("id", "name", "target", "enforcement", "created_at", "updated_at")},
        "source_type": "Repository",
        "source": f"{repository['owner']}/{repository['name']}",
        "node_id": f"RRS_{number}",
        "_links": {
            "self": {"href": f"{api_url(call.cloud, repository)}/rulesets/{number}"},
            "html": {"href": html},
        },
    }


def _shown(call: Call, repository: Document, ruleset: Document) -> dict[str, Any]:
    return {
        **_listed(call, repository, ruleset),
        **{name: ruleset[name] for name in ("bypass_actors", "conditions", "rules")},
        "current_user_can_bypass": rules.bypass(call.cloud, ruleset, caller(call).login),
    }
