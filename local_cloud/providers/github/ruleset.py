"""Rulesets of a repository, of rules without parameters.

Source: terraform-provider-github, github/{resource_github_repository_ruleset,respository_rules_utils}.go.
"""

from collections.abc import Mapping
from typing import Any

from local_cloud.providers.document import from_api, to_api
from local_cloud.providers.github.service import Owner, named, two_parts
from local_cloud.providers.resource import Resource, State
from local_cloud.providers.schema import ListOf, Object, given, one_of, output, unsupported

_PLAIN = ("creation", "deletion", "nonFastForward", "requiredLinearHistory", "requiredSignatures")
_RULES = Object(
    {
        **{name: given(bool, default=False) for name in _PLAIN},
        **unsupported("branchNamePattern", "commitAuthorEmailPattern", "commitMessagePattern", "committerEmailPattern"),
        **unsupported("copilotCodeReview", "fileExtensionRestriction", "filePathRestriction", "maxFilePathLength"),
        **unsupported("maxFileSize", "mergeQueue", "pullRequest", "requiredCodeScanning", "requiredDeployments"),
        **unsupported("requiredStatusChecks", "tagNamePattern", "update", "updateAllowsFetchAndMerge"),
    }
)
_ACTOR = Object(
    {
        "actorId": given(int),
        "actorType": given(str, required=True),
        "bypassMode": given(str, required=True, rule=one_of("always", "pull_request", "exempt")),
    }
)
_REFS = Object(
    {name: given(ListOf(str), required=True, api=name.removesuffix("s")) for name in ("excludes", "includes")}
)


class RepositoryRuleset(Resource[Owner]):
    """Its id is the ruleset's number."""

    type = "github:index/repositoryRuleset:RepositoryRuleset"
    shape = Object(
        {
            "repository": given(str, required=True, api=None),
            "name": given(str),
            "enforcement": given(str, required=True, rule=one_of("disabled", "active", "evaluate")),
            "target": given(str, required=True, rule=one_of("branch", "tag", "push")),
            "bypassActors": given(ListOf(_ACTOR), default=[]),
            "conditions": given(Object({"refName": given(_REFS, required=True)})),
            "rules": given(_RULES, required=True, api=None),
            "etag": output(str, api=None),
            "nodeId": output(str, stable=True),
            "rulesetId": output(int, stable=True, api="id"),
        }
    )

    def name(self, inputs: Mapping[str, Any], previous: Mapping[str, Any], logical_name: str, seed: bytes) -> State:
        return named(inputs, previous, logical_name, seed)

    def create(self, planned: State) -> tuple[str, State]:
        ruleset = self.service.call("POST", planned["repository"], "/rulesets", self._body(planned)).body
        return str(ruleset["id"]), planned

    def complete(self, id: str, planned: State, state: State) -> State:
        return self.read(id, state)[1]

    def locate(self, id: str) -> tuple[str, State]:
        repository, number = two_parts(id, "repository", "ruleset")
        return number, {"repository": repository}

    def read(self, id: str, state: State) -> tuple[str, State]:
        answer = self.service.call("GET", state["repository"], f"/rulesets/{id}?includes_parents=false")
        there = from_api(_RULES, {rule["type"]: True for rule in answer.body["rules"]})
        rules = {name: there.get(name, False) for name in _PLAIN}
        return id, {**state, **from_api(self.shape, answer.body), "rules": rules, "etag": answer.etag}

    def update(self, id: str, planned: State, state: State) -> State:
        self.service.call("PUT", planned["repository"], f"/rulesets/{id}", self._body(planned))
        return self.read(id, planned)[1]

    def delete(self, id: str, state: State) -> None:
        self.service.call("DELETE", state["repository"], f"/rulesets/{id}")

    def _body(self, planned: State) -> State:
        """As go-github makes it: what is off isn't sent."""
        rules = [{"type": name} for name, on in to_api(_RULES, planned["rules"]).items() if on]
        source = {"source": planned["repository"], "source_type": "Repository"}
        return {**to_api(self.shape, planned), **source, "rules": rules}
