"""Settings of the owner where it is an organisation: which Actions run, and what an OIDC token's subject names.

Both are there as long as the organisation is: to create one sets it, to delete one puts GitHub's defaults back.
Source: terraform-provider-github, github/resource_github_actions_organization_{permissions,
oidc_subject_claim_customization_template}.go.
"""

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, ClassVar

from local_cloud.providers.check import Failure
from local_cloud.providers.document import from_api, to_api
from local_cloud.providers.errors import ProviderError
from local_cloud.providers.github.service import Owner
from local_cloud.providers.resource import Resource, State
from local_cloud.providers.schema import ListOf, Object, SetOf, given, one_of
from local_cloud.providers.wire import reveal

_PAGE = 100
_DEFAULT_CLAIMS = ["repo", "context"]
_ACTIONS = Object(
    {
        "githubOwnedAllowed": given(bool, required=True),
        "patternsAlloweds": given(SetOf(str), default=[], api="patterns_allowed"),
        "verifiedAllowed": given(bool, default=False),
    }
)


class _OrganizationSetting(Resource[Owner]):
    """Its id is the organisation's name; `path` is below the organisation's."""

    path: ClassVar[str]

    def create(self, planned: State) -> tuple[str, State]:
        self._set(planned)
        return self.service.name, planned

    def complete(self, id: str, planned: State, state: State) -> State:
        return self.read(id, state)[1]

    def locate(self, id: str) -> tuple[str, State]:
        if id != self.service.name:
            raise ProviderError(f"invalid ID {id!r}: expected the owner's name, {self.service.name}")
        return id, {}

    def update(self, id: str, planned: State, state: State) -> State:
        self._set(planned)
        return self.read(id, planned)[1]

    def _set(self, planned: State) -> None:
        self._put(to_api(self.shape, planned))

    def _put(self, body: State, part: str = "") -> None:
        self.service.call_organization("PUT", f"{self.path}{part}", body)

    def _get(self, part: str = "", parameters: Mapping[str, str] | None = None) -> State:
        return self.service.call_organization("GET", f"{self.path}{part}", parameters=parameters).body


class ActionsOrganizationPermissions(_OrganizationSetting):
    type = "github:index/actionsOrganizationPermissions:ActionsOrganizationPermissions"
    path = "/actions/permissions"
    shape = Object(
        {
            "enabledRepositories": given(str, required=True, rule=one_of("all", "none", "selected")),
            "allowedActions": given(str, rule=one_of("all", "local_only", "selected")),
            "allowedActionsConfig": given(_ACTIONS, api=None),
            "enabledRepositoriesConfig": given(
                Object({"repositoryIds": given(SetOf(int), required=True, api="selected_repository_ids")}), api=None
            ),
            "shaPinningRequired": given(bool, computed=True),
        }
    )

    def validate(self, inputs: Mapping[str, Any]) -> Iterator[Failure]:
        if inputs.get("allowedActions") is None:
            yield Failure(
                path="allowedActions",
                reason="Must be given: the official plugin sends an empty one instead, which GitHub refuses "
                "(terraform-provider-github issue 3417)",
            )
        if reveal(inputs.get("enabledRepositories")) == "selected" and inputs.get("enabledRepositoriesConfig") is None:
            yield Failure(
                path="enabledRepositoriesConfig", reason="Must be specified if enabledRepositories is selected"
            )

    def read(self, id: str, state: State) -> tuple[str, State]:
        now = {"allowedActions": None, **from_api(self.shape, self._get())}
        repositories = state.get("enabledRepositoriesConfig")
        if now["enabledRepositories"] == "selected":
            repositories = {"repositoryIds": self._enabled_repositories()}
        configured = self._actions() if now["allowedActions"] == "selected" and _knows_actions(state) else None
        return id, {**state, **now, "allowedActionsConfig": configured, "enabledRepositoriesConfig": repositories}

    def delete(self, id: str, state: State) -> None:
        self._put({"allowed_actions": "all", "enabled_repositories": "all"})

    def _set(self, planned: State) -> None:
        super()._set(planned)
        if planned["allowedActions"] == "selected" and (actions := planned.get("allowedActionsConfig")):
            # No patterns are sent as no property, as by go-github: GitHub keeps those that it has.
            self._put(
                to_api(_ACTIONS, {**actions, "patternsAlloweds": actions["patternsAlloweds"] or None}),
                "/selected-actions",
            )
        if planned["enabledRepositories"] == "selected":
            repositories = self.shape["enabledRepositoriesConfig"].type
            self._put(to_api(repositories, planned["enabledRepositoriesConfig"]), "/repositories")

    def _actions(self) -> State:
        return from_api(_ACTIONS, self._get("/selected-actions"))

    def _enabled_repositories(self) -> list[int]:
        ids: list[int] = []
        for page in count(1):
            answer = self._get("/repositories", {"page": str(page), "per_page": str(_PAGE)})
            ids += [repository["id"] for repository in answer["repositories"]]
            if len(answer["repositories"]) < _PAGE:
                break
        return ids


def _knows_actions(state: State) -> bool:
    """Whether the selected actions are this resource's: it sets them, or it is being imported."""
    return "allowedActions" not in state or (
        state["allowedActions"] == "selected" and bool(state.get("allowedActionsConfig"))
    )


def _some(keys: list[str]) -> str | None:
    return None if keys else "Expected at least one item"


class ActionsOrganizationOidcTemplate(_OrganizationSetting):
    type = (
        "github:index/actionsOrganizationOidcSubjectClaimCustomizationTemplate:"
        "ActionsOrganizationOidcSubjectClaimCustomizationTemplate"
    )
    path = "/actions/oidc/customization/sub"
    shape = Object({"includeClaimKeys": given(ListOf(str), required=True, rule=_some)})

    def read(self, id: str, state: State) -> tuple[str, State]:
        return id, {**state, **from_api(self.shape, self._get())}

    def delete(self, id: str, state: State) -> None:
        self._put({"include_claim_keys": _DEFAULT_CLAIMS})
