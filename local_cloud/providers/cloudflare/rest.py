"""Resources that are one JSON document each: POST to a collection, then GET, PUT and DELETE an item.

Bodies are written and answers read as by terraform-provider-cloudflare (internal/apijson): a body is what is planned,
with null for what is to go; of an answer, what it leaves out stays as it was.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from local_cloud.providers.client import Client
from local_cloud.providers.document import from_api, overlay, to_api
from local_cloud.providers.errors import ProviderError
from local_cloud.providers.resource import Resource, State


class RestResource(Resource[Client]):
    """`collection` and `item` are path templates over the state's properties and `id`; reads add `query` to `item`.

    `import_id` names the properties (or `id`) that an import's id holds, apart by `/`.
    """

    collection: ClassVar[str]
    item: ClassVar[str]
    import_id: ClassVar[tuple[str, ...]]
    id_key: ClassVar[str] = "id"
    query: ClassVar[str] = ""
    mutable: ClassVar[bool] = True
    deletable: ClassVar[bool] = True
    """False where the resource goes with the Worker that it belongs to: no call deletes it."""

    def create(self, planned: State) -> tuple[str, State]:
        answer = self.service.call("POST", path_of(self.collection, planned), to_api(self.shape, planned))
        result = answer.body["result"]
        return self.identify(result, planned), overlay(self.shape, self.accept(result, planned), planned)

    def read(self, id: str, state: State) -> tuple[str, State]:
        answer = self.service.call("GET", path_of(self.item, {**state, "id": id}) + self.query)
        result = answer.body["result"]
        return self.identify(result, state), {**state, **self.accept(result, state)}

    def update(self, id: str, planned: State, state: State) -> State:
        if not self.mutable:
            return planned
        body = {**dict.fromkeys(to_api(self.shape, state)), **to_api(self.shape, planned)}
        answer = self.service.call("PUT", path_of(self.item, {**planned, "id": id}), body)
        return overlay(self.shape, self.accept(answer.body["result"], planned), planned)

    def delete(self, id: str, state: State) -> None:
        if self.deletable:
            self.service.call("DELETE", path_of(self.item, {**state, "id": id}))

    def locate(self, id: str) -> tuple[str, State]:
        parts = id.split("/")
        if len(parts) != len(self.import_id) or not all(parts):
            expected = "/".join(f"<{part}>" for part in self.import_id)
            raise ProviderError(f"invalid ID {id!r}: expected {expected}")
        located = dict(zip(self.import_id, parts, strict=True))
        return located.pop("id", id), located

    def identify(self, result: Mapping[str, Any], before: State) -> str:
        """The id of what `result` shows."""
        del before
        return result[self.id_key]

    def accept(self, result: Mapping[str, Any], before: State) -> State:
        """The outputs that `result` holds; `before` is the state that it follows."""
        del before
        return from_api(self.shape, result)


def in_order_of(items: Iterable[State], before: Sequence[State], key: str) -> list[State]:
    """`items` in the order that `before` has them in, told apart by `key`; those that it hasn't come last."""
    order = {item[key]: index for index, item in enumerate(before)}
    return sorted(items, key=lambda item: order.get(item[key], len(order)))


def path_of(template: str, values: Mapping[str, Any]) -> str:
    """The path that `template` makes of `values`."""
    return template.format_map({name: quote(str(value), safe="") for name, value in values.items()})
