"""What a repository's identity tokens name as their subject: there as long as the repository is.

Source: terraform-provider-github,
github/resource_github_actions_repository_oidc_subject_claim_customization_template.go.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from local_cloud.providers.check import Failure
from local_cloud.providers.document import from_api, to_api
from local_cloud.providers.github.service import Owner
from local_cloud.providers.resource import Resource, State
from local_cloud.providers.schema import ListOf, Object, given

_PATH = "/actions/oidc/customization/sub"


class ActionsRepositoryOidcTemplate(Resource[Owner]):
    """Its id is the repository's name. To delete one puts GitHub's default back."""

    type = (
        "github:index/actionsRepositoryOidcSubjectClaimCustomizationTemplate:"
        "ActionsRepositoryOidcSubjectClaimCustomizationTemplate"
    )
    shape = Object(
        {
            "repository": given(str, required=True, api=None),
            "useDefault": given(bool, required=True),
            "includeClaimKeys": given(ListOf(str)),
        }
    )

    def validate(self, inputs: Mapping[str, Any]) -> Iterator[Failure]:
        if inputs.get("useDefault") is True and inputs.get("includeClaimKeys") is not None:
            yield Failure(path="includeClaimKeys", reason="Cannot be set when useDefault is true")

    def create(self, planned: State) -> tuple[str, State]:
        self._put(planned["repository"], to_api(self.shape, planned))
        return planned["repository"], planned

    def complete(self, id: str, planned: State, state: State) -> State:
        return self.read(id, state)[1]

    def locate(self, id: str) -> tuple[str, State]:
        return id, {}

    def read(self, id: str, state: State) -> tuple[str, State]:
        answer = self.service.call("GET", id, _PATH).body
        return id, {"repository": id, **from_api(self.shape, answer)}

    def update(self, id: str, planned: State, state: State) -> State:
        self._put(planned["repository"], to_api(self.shape, planned))
        return self.read(planned["repository"], planned)[1]

    def delete(self, id: str, state: State) -> None:
        self._put(state["repository"], {"use_default": True})

    def _put(self, repository: str, body: State) -> None:
        self.service.call("PUT", repository, _PATH, body)
