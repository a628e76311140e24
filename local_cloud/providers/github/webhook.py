"""Webhooks of a repository.

Source: terraform-provider-github, github/resource_github_{repository,organization}_webhook.go.
"""

from collections.abc import Mapping
from typing import Any

from local_cloud.providers.github.service import Owner, two_parts
from local_cloud.providers.resource import Resource, State
from local_cloud.providers.schema import Object, SetOf, given, output


class RepositoryWebhook(Resource[Owner]):
    """GitHub answers a secret masked: the state keeps the one that was sent."""

    type = "github:index/repositoryWebhook:RepositoryWebhook"
    shape = Object(
        {
            "repository": given(str, required=True, replaces=True),
            "events": given(SetOf(str), required=True),
            "active": given(bool, default=True),
            "configuration": given(
                Object(
                    {
                        "url": given(str, required=True, secret=True),
                        "contentType": given(str, default=""),
                        "insecureSsl": given(bool, default=False),
                        "secret": given(str, default="", secret=True),
                    }
                )
            ),
            "etag": given(str, computed=True),
            "url": output(str, stable=True),
        }
    )

    def plan(self, inputs: Mapping[str, Any], state: Mapping[str, Any]) -> State:
        """An etag is never a difference."""
        return super().plan({**inputs, "etag": state.get("etag")}, state)

    def create(self, planned: State) -> tuple[str, State]:
        body = {"name": "web", **_body(planned)}
        hook = self.service.call("POST", planned["repository"], "/hooks", body).body
        return str(hook["id"]), planned

    def complete(self, id: str, planned: State, state: State) -> State:
        return self.read(id, state)[1]

    def locate(self, id: str) -> tuple[str, State]:
        repository, hook_id = two_parts(id, "repository", "webhook_id", "/")
        return hook_id, {"repository": repository}

    def read(self, id: str, state: State) -> tuple[str, State]:
        answer = self.service.call("GET", state["repository"], f"/hooks/{id}")
        hook, secret = answer.body, state.get("configuration", {}).get("secret", "")
        configuration = {
            "url": hook["config"].get("url"),
            "contentType": hook["config"].get("content_type"),
            "insecureSsl": hook["config"].get("insecure_ssl") == "1",
            "secret": secret if "secret" in hook["config"] else None,
        }
        return id, {
            **state,
            "active": hook["active"],
            "configuration": configuration,
            "etag": answer.etag,
            "events": hook["events"],
            "url": hook["url"],
        }

    def update(self, id: str, planned: State, state: State) -> State:
        body = {"url": state["url"], **_body(planned)}
        self.service.call("PATCH", planned["repository"], f"/hooks/{id}", body)
        return self.read(id, planned)[1]

    def delete(self, id: str, state: State) -> None:
        self.service.call("DELETE", state["repository"], f"/hooks/{id}")


def _body(planned: State) -> State:
    body = {"events": planned["events"], "active": planned["active"]}
    if configuration := planned.get("configuration"):
        body["config"] = {
            "content_type": configuration["contentType"],
            "insecure_ssl": "1" if configuration["insecureSsl"] else "0",
            "url": configuration["url"],
            "secret": configuration["secret"],
        }
    return body
