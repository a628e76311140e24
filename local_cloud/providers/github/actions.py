"""Actions secrets and variables of a repository.

Source: terraform-provider-github, github/resource_github_actions_{secret,variable}.go.
"""

import base64
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from local_cloud.providers.check import Failure
from local_cloud.providers.github.service import SECRET_NAME, Owner, go_time, two_parts
from local_cloud.providers.plan import Difference, Kind
from local_cloud.providers.resource import Resource, State
from local_cloud.providers.schema import Object, given, output

_PLAIN = ("value", "plaintextValue")
_SEALED = ("valueEncrypted", "encryptedValue")


class RepositoryPart(Resource[Owner]):
    """Something that a repository has under a name of its own; its id is `<repository>:<name>`."""

    collection: ClassVar[str]
    name_property: ClassVar[str]

    def differences(self, planned: State, state: State) -> Iterator[Difference]:
        for difference in super().differences(planned, state):
            moved = difference.path == "repository" and self.service.is_another_repository(
                planned["repository"], state.get("repositoryId")
            )
            yield Difference(path=difference.path, kind=difference.kind, replaces=difference.replaces or moved)

    def locate(self, id: str) -> tuple[str, State]:
        repository, name = two_parts(id, "repository", "name")
        return id, {
            "repository": repository,
            "repositoryId": self.service.repository_id(repository),
            self.name_property: name,
        }

    def delete(self, id: str, state: State) -> None:
        self.service.call("DELETE", state["repository"], self._path(state))

    def _path(self, state: Mapping[str, Any]) -> str:
        return f"{self.collection}/{state[self.name_property]}"

    def _id(self, state: Mapping[str, Any]) -> str:
        return f"{state['repository']}:{state[self.name_property]}"

    def _get(self, state: Mapping[str, Any]) -> State:
        return self.service.call("GET", state["repository"], self._path(state)).body


class ActionsSecret(RepositoryPart):
    """GitHub never gives a secret back: `remoteUpdatedAt` differing from `updatedAt` tells that somebody changed it."""

    type = "github:index/actionsSecret:ActionsSecret"
    collection = "/actions/secrets"
    name_property = "secretName"
    shape = Object(
        {
            "repository": given(str, required=True),
            "secretName": given(str, required=True, replaces=True, rule=SECRET_NAME),
            "destroyOnDrift": given(bool),
            "keyId": given(str, computed=True),
            **{name: given(str, secret=True) for name in (*_PLAIN, *_SEALED)},
            **{name: output(str, stable=True) for name in ("createdAt", "updatedAt", "remoteUpdatedAt")},
            "repositoryId": output(int, stable=True),
        }
    )

    def validate(self, inputs: Mapping[str, Any]) -> Iterator[Failure]:
        values = [name for name in (*_PLAIN, *_SEALED) if inputs.get(name) is not None]
        if len(values) != 1:
            yield Failure(path="value", reason=f"Exactly one of {', '.join((*_PLAIN, *_SEALED))} must be specified")
        if inputs.get("keyId") is not None and any(name in _PLAIN for name in values):
            yield Failure(path="keyId", reason=f"Conflicts with {' and '.join(_PLAIN)}")

    def differences(self, planned: State, state: State) -> Iterator[Difference]:
        yield from super().differences(planned, state)
        ours, remote = state.get("updatedAt"), state.get("remoteUpdatedAt")
        if ours and remote and ours != remote:
            yield Difference(path="updatedAt", kind=Kind.UPDATE, replaces=False)

    def create(self, planned: State) -> tuple[str, State]:
        repository_id = self.service.repository_id(planned["repository"])
        return self._id(planned), {**planned, "repositoryId": repository_id, "keyId": self._put(planned)}

    def complete(self, id: str, planned: State, state: State) -> State:
        secret = self._get(state)
        updated = go_time(secret["updated_at"])
        return {**state, "createdAt": go_time(secret["created_at"]), "updatedAt": updated, "remoteUpdatedAt": updated}

    def read(self, id: str, state: State) -> tuple[str, State]:
        secret = self._get(state)
        created, updated = go_time(secret["created_at"]), go_time(secret["updated_at"])
        return self._id(state), {"createdAt": created, "updatedAt": updated, **state, "remoteUpdatedAt": updated}

    def update(self, id: str, planned: State, state: State) -> State:
        return self.complete(id, planned, {**planned, "keyId": self._put(planned)})

    def _put(self, planned: State) -> str:
        """Put the secret, sealed for the repository's public key if it isn't yet; the id of the key."""
        key_id = planned.get("keyId")
        sealed = next((planned[name] for name in _SEALED if name in planned), None)
        if sealed is None or key_id is None:
            key = self.service.call("GET", planned["repository"], f"{self.collection}/public-key").body
            key_id = key["key_id"]
            sealed = sealed or _seal(next(planned[name] for name in _PLAIN if name in planned), key["key"])
        body = {"key_id": key_id, "encrypted_value": sealed}
        self.service.call("PUT", planned["repository"], self._path(planned), body)
        return key_id


def _seal(value: str, public_key: str) -> str:
    from nacl.public import PublicKey, SealedBox  # noqa: PLC0415 - only a program with a secret pays for it

    return base64.b64encode(SealedBox(PublicKey(base64.b64decode(public_key))).encrypt(value.encode())).decode()


class ActionsVariable(RepositoryPart):
    type = "github:index/actionsVariable:ActionsVariable"
    collection = "/actions/variables"
    name_property = "variableName"
    shape = Object(
        {
            "repository": given(str, required=True),
            "variableName": given(str, required=True, replaces=True, rule=SECRET_NAME),
            "value": given(str, required=True),
            **{name: output(str, stable=True) for name in ("createdAt", "updatedAt")},
            "repositoryId": output(int, stable=True),
        }
    )

    def create(self, planned: State) -> tuple[str, State]:
        self.service.call("POST", planned["repository"], self.collection, self._body(planned))
        return self._id(planned), planned

    def complete(self, id: str, planned: State, state: State) -> State:
        repository_id = self.service.repository_id(planned["repository"])
        return {**self.read(id, state)[1], "repositoryId": repository_id}

    def read(self, id: str, state: State) -> tuple[str, State]:
        variable = self._get(state)
        times = {"createdAt": go_time(variable["created_at"]), "updatedAt": go_time(variable["updated_at"])}
        return self._id(state), {**state, "value": variable["value"], **times}

    def update(self, id: str, planned: State, state: State) -> State:
        self.service.call("PATCH", planned["repository"], self._path(planned), self._body(planned))
        return self.read(id, planned)[1]

    def _body(self, planned: State) -> State:
        return {"name": planned["variableName"], "value": planned["value"]}
