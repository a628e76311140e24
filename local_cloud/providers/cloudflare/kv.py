"""Workers KV namespaces. Their keys are no resource here.

Source: terraform-provider-cloudflare, internal/services/workers_kv_namespace/{schema,resource,model}.go.
"""

from local_cloud.providers.cloudflare.rest import RestResource
from local_cloud.providers.schema import Object, given, output, unsupported


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
