"""Workers KV namespaces, and values in them.

Source: terraform-provider-cloudflare, internal/services/workers_kv{_namespace,}/{schema,resource,model}.go.
"""

from local_cloud.providers.cloudflare.rest import RestResource, path_of
from local_cloud.providers.document import from_api
from local_cloud.providers.resource import State
from local_cloud.providers.schema import Json, Object, given, output, replacing, unsupported


class KvNamespace(RestResource):
    type = "cloudflare:index/workersKvNamespace:WorkersKvNamespace"
    collection = "/accounts/{accountId}/storage/kv/namespaces"
    item = "/accounts/{accountId}/storage/kv/namespaces/{id}"
    import_id = ("accountId", "id")
    shape = Object(
        {
            "accountId": given(str, required=True, replaces=True, api=None),
            "title": given(str, required=True),
            **unsupported("jurisdiction", "mode"),
            "supportsUrlEncoding": output(bool),
        }
    )


class KvValue(RestResource):
    """Its id is the key. A value goes in a form and comes back as it is; its metadata has a call of its own."""

    type = "cloudflare:index/workersKv:WorkersKv"
    item = "/accounts/{accountId}/storage/kv/namespaces/{namespaceId}/values/{id}"
    import_id = ("accountId", "namespaceId", "id")
    shape = Object(
        {
            **replacing({name: given(str, required=True) for name in ("accountId", "keyName", "namespaceId")}),
            "value": given(str, required=True),
            "metadata": given(Json),
            **unsupported("expiration", "expirationTtl"),
        }
    )

    def create(self, planned: State) -> tuple[str, State]:
        return planned["keyName"], self.update(planned["keyName"], planned, {})

    def read(self, id: str, state: State) -> tuple[str, State]:
        path = path_of(self.item, {**state, "id": id})
        value = self.service.call("GET", path).text
        metadata = self.service.call("GET", path.replace("/values/", "/metadata/")).body["result"]
        return id, {**state, "keyName": id, "value": value, **from_api(self.shape, {"metadata": metadata})}

    def update(self, id: str, planned: State, state: State) -> State:
        form = {name: planned[name] for name in ("value", "metadata") if name in planned}
        self.service.call("PUT", path_of(self.item, {**planned, "id": id}), form=form)
        return planned
