"""Deployment environments of a repository.

Source: terraform-provider-github, github/resource_github_repository_environment.go.
"""

from typing import Any

from local_cloud.providers.document import from_api, to_api
from local_cloud.providers.github.actions import RepositoryPart
from local_cloud.providers.resource import State
from local_cloud.providers.schema import Object, between, given, output, unsupported

_BRANCHES = Object({name: given(bool, required=True) for name in ("customBranchPolicies", "protectedBranches")})


class RepositoryEnvironment(RepositoryPart):
    type = "github:index/repositoryEnvironment:RepositoryEnvironment"
    collection = "/environments"
    name_property = "environment"
    shape = Object(
        {
            "repository": given(str, required=True, api=None),
            "environment": given(str, required=True, replaces=True, api=None),
            "canAdminsBypass": given(bool, default=True),
            "deploymentBranchPolicy": given(_BRANCHES),
            "preventSelfReview": given(bool, default=False),
            "waitTimer": given(int, default=0, rule=between(0, 43_200)),
            **unsupported("reviewers"),
            "repositoryId": output(int, stable=True, api=None),
        }
    )

    def create(self, planned: State) -> tuple[str, State]:
        self._put(planned)
        return self._id(planned), planned

    def complete(self, id: str, planned: State, state: State) -> State:
        return {**planned, "repositoryId": self.service.repository_id(planned["repository"])}

    def read(self, id: str, state: State) -> tuple[str, State]:
        """What holds up a deployment is among the protection rules, or not there."""
        environment = self._get(state)
        policy = environment["deployment_branch_policy"]
        rules: dict[str, Any] = {rule["type"]: rule for rule in environment.get("protection_rules", [])}
        return id, {
            **state,
            "canAdminsBypass": environment["can_admins_bypass"],
            "deploymentBranchPolicy": policy and from_api(_BRANCHES, policy),
            "preventSelfReview": rules.get("required_reviewers", {}).get("prevent_self_review", False),
            "waitTimer": rules.get("wait_timer", {}).get("wait_timer", 0),
        }

    def update(self, id: str, planned: State, state: State) -> State:
        self._put(planned)
        return planned

    def _put(self, planned: State) -> None:
        body = {"reviewers": None, "deployment_branch_policy": None, **to_api(self.shape, planned)}
        self.service.call("PUT", planned["repository"], self._path(planned), body)
