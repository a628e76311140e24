"""Dispatch namespaces, Workers, deployments and routes.

Source: terraform-provider-cloudflare, `schema.go` and `resource.go` in internal/services/
{workers_for_platforms_dispatch_namespace,worker,workers_deployment,workers_route}.
"""

from collections.abc import Mapping
from typing import Any

from local_cloud.providers.cloudflare.rest import RestResource, in_order_of
from local_cloud.providers.resource import State
from local_cloud.providers.schema import (
    ListOf,
    Object,
    SetOf,
    between,
    given,
    one_of,
    output,
    replacing,
    strings,
    unsupported,
)


class DispatchNamespace(RestResource):
    type = "cloudflare:index/workersForPlatformsDispatchNamespace:WorkersForPlatformsDispatchNamespace"
    collection = "/accounts/{accountId}/workers/dispatch/namespaces"
    item = "/accounts/{accountId}/workers/dispatch/namespaces/{id}"
    id_key = "namespace_name"
    import_id = ("accountId", "id")
    mutable = False
    shape = Object(
        {
            **replacing({"accountId": given(str, required=True, api=None), "name": given(str)}),
            **{name: output(str) for name in ("createdBy", "createdOn", "modifiedBy", "modifiedOn", "namespaceId")},
            "namespaceName": output(str, stable=True),
            "scriptCount": output(int),
            "trustedWorkers": output(bool),
        }
    )


_SAMPLING = {"headSamplingRate": given(float, default=1), "persist": given(bool, default=True)}
_OBSERVABILITY = Object(
    {
        "enabled": given(bool, default=False),
        "headSamplingRate": given(float, default=1),
        "issues": given(Object({"enabled": given(bool, computed=True)}), computed=True),
        "logs": given(
            Object(
                {
                    "destinations": given(ListOf(str), computed=True),
                    "enabled": given(bool, default=False),
                    "invocationLogs": given(bool, default=True),
                    **_SAMPLING,
                }
            ),
            computed=True,
        ),
        "traces": given(
            Object(
                {
                    "destinations": given(ListOf(str), computed=True),
                    "enabled": given(bool, default=False),
                    "propagationPolicy": given(str, computed=True),
                    **_SAMPLING,
                }
            ),
            default={},
        ),
    }
)
_SUBDOMAIN = Object(
    {
        "enabled": given(bool, default=False),
        "previewsEnabled": given(bool, default=lambda subdomain: subdomain["enabled"]),
        "previewUrlSuffix": output(str),
        "url": output(str),
    }
)
_WORKER = {"workerId": output(str), "workerName": output(str)}
_NAMESPACE = {"namespaceId": output(str), "namespaceName": output(str)}
_REFERENCES = Object(
    {
        "dispatchNamespaceOutbounds": output(ListOf(Object({**_NAMESPACE, **_WORKER}))),
        "domains": output(
            ListOf(Object({name: output(str) for name in ("certificateId", "hostname", "id", "zoneId", "zoneName")}))
        ),
        "durableObjects": output(ListOf(Object({**_NAMESPACE, **_WORKER}))),
        "queues": output(ListOf(Object({name: output(str) for name in ("queueConsumerId", "queueId", "queueName")}))),
        "workers": output(ListOf(Object({"id": output(str), "name": output(str)}))),
    }
)


class Worker(RestResource):
    type = "cloudflare:index/worker:Worker"
    collection = "/accounts/{accountId}/workers/workers"
    item = "/accounts/{accountId}/workers/workers/{id}"
    import_id = ("accountId", "id")
    shape = Object(
        {
            "accountId": given(str, required=True, replaces=True, api=None),
            "name": given(str, required=True),
            "logpush": given(bool, default=False),
            "observability": given(_OBSERVABILITY, default={}),
            "subdomain": given(_SUBDOMAIN, default={}),
            "tags": given(SetOf(str), default=[]),
            "tailConsumers": given(SetOf(Object(strings("name", required=True))), default=[]),
            **unsupported("force", "previewsBaseConfig"),
            "createdOn": output(str, stable=True),
            "deployedOn": output(str),
            "references": output(_REFERENCES),
            "updatedOn": output(str),
        }
    )


class Deployment(RestResource):
    type = "cloudflare:index/workersDeployment:WorkersDeployment"
    collection = "/accounts/{accountId}/workers/scripts/{scriptName}/deployments"
    item = "/accounts/{accountId}/workers/scripts/{scriptName}/deployments/{id}"
    import_id = ("accountId", "scriptName", "id")
    mutable = False
    deletable = False
    shape = Object(
        {
            **replacing(
                {
                    **strings("accountId", "scriptName", required=True, api=None),
                    "strategy": given(str, required=True, rule=one_of("percentage")),
                    "versions": given(
                        ListOf(
                            Object(
                                {
                                    "percentage": given(float, required=True, rule=between(0.01, 100)),
                                    "versionId": given(str, required=True),
                                }
                            )
                        ),
                        required=True,
                    ),
                    "annotations": given(
                        Object(
                            {
                                "workersMessage": given(str, api="workers/message"),
                                "workersTriggeredBy": output(str, api="workers/triggered_by"),
                            }
                        ),
                        computed=True,
                    ),
                }
            ),
            **unsupported("force"),
            **{name: output(str) for name in ("authorEmail", "createdOn", "source")},
        }
    )

    def accept(self, result: Mapping[str, Any], before: State) -> State:
        """The versions in the order in which they were given, whatever the API's is."""
        state = super().accept(result, before)
        if state.get("versions"):
            state["versions"] = in_order_of(state["versions"], before.get("versions", []), "versionId")
        return state


class Route(RestResource):
    type = "cloudflare:index/workersRoute:WorkersRoute"
    collection = "/zones/{zoneId}/workers/routes"
    item = "/zones/{zoneId}/workers/routes/{id}"
    import_id = ("zoneId", "id")
    shape = Object(
        {
            "zoneId": given(str, required=True, replaces=True, api=None),
            "pattern": given(str, required=True),
            "script": given(str),
        }
    )
