"""Versions of a Worker: code, bindings and settings, which never change once uploaded.

Source: terraform-provider-cloudflare, internal/services/worker_version/{schema,resource,custom}.go.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from local_cloud.providers.check import Failure
from local_cloud.providers.cloudflare.rest import RestResource, in_order_of
from local_cloud.providers.resource import State
from local_cloud.providers.schema import (
    Json,
    ListOf,
    Object,
    SetOf,
    given,
    one_of,
    output,
    replacing,
    strings,
    unsupported,
)
from local_cloud.providers.wire import UNKNOWN, reveal

_TEXTS = frozenset({"secret_text", "plain_text"})
"""Bindings whose text the API keeps to itself, and the state has to remember."""

_BINDING = Object(
    {
        **strings("name", "type", required=True),
        **strings(
            *("appId", "bucketName", "certificateId", "className", "databaseId", "dataset", "destinationAddress"),
            *("dispatchNamespace", "entrypoint", "environment", "format", "id", "identity", "indexName"),
            *("instanceName", "jurisdiction", "namespace", "namespaceId", "networkId", "oldName", "part", "pipeline"),
            *("queueName", "scriptName", "secretName", "service", "serviceId", "storeId", "stream", "tunnelId"),
            *("versionId", "workflowName"),
        ),
        "algorithm": given(Json),
        "json": given(Json),
        "keyBase64": given(str, secret=True),
        "keyJwk": given(Json, secret=True),
        "text": given(str, secret=True),
        "allowedDestinationAddresses": given(ListOf(str)),
        "allowedSenderAddresses": given(ListOf(str)),
        "usages": given(SetOf(str)),
        "outbound": given(
            Object(
                {
                    "params": given(ListOf(Object(strings("name", required=True)))),
                    "worker": given(Object(strings("entrypoint", "environment", "service"))),
                }
            )
        ),
        "retry": given(Object({"maxAttempts": given(int), "timeoutMs": given(int)})),
        "simple": given(
            Object(
                {
                    "limit": given(float, required=True),
                    "period": given(int, required=True),
                    "mitigationTimeout": given(int),
                }
            )
        ),
    }
)
_JSON = {name for name, declared in _BINDING if declared.type is Json}

_MODULE = Object(
    {
        **strings("contentType", "name", required=True),
        "contentBase64": given(str),
        **unsupported("contentFile"),
        "contentSha256": output(str, api=None),
    }
)
_PLACE = strings("host", "hostname", "region")


class WorkerVersion(RestResource):
    type = "cloudflare:index/workerVersion:WorkerVersion"
    collection = "/accounts/{accountId}/workers/workers/{workerId}/versions"
    item = "/accounts/{accountId}/workers/workers/{workerId}/versions/{id}"
    query = "?include=modules"
    import_id = ("accountId", "workerId", "id")
    mutable = False
    deletable = False
    shape = Object(
        {
            **replacing(
                {
                    **strings("accountId", "workerId", required=True, api=None),
                    "annotations": given(
                        Object(
                            {
                                "workersMessage": given(str, api="workers/message"),
                                "workersTag": given(str, api="workers/tag"),
                                "workersTriggeredBy": output(str, api="workers/triggered_by"),
                            }
                        ),
                        computed=True,
                    ),
                    "bindings": given(ListOf(_BINDING)),
                    "compatibilityDate": given(str),
                    "compatibilityFlags": given(SetOf(str), computed=True),
                    "limits": given(Object({"cpuMs": given(int), "subrequests": given(int)}), computed=True),
                    "mainModule": given(str),
                    "modules": given(SetOf(_MODULE)),
                    "placement": given(
                        Object(
                            {
                                "mode": given(str, rule=one_of("smart", "targeted")),
                                "targets": given(ListOf(Object(_PLACE)), api="target"),
                                **_PLACE,
                            }
                        )
                    ),
                    "usageModel": given(str, default="standard", rule=one_of("standard", "bundled", "unbound")),
                }
            ),
            **unsupported("assets", "cacheOptions", "containers", "deploy", "exports", "include", "migrations"),
            **unsupported("packageDependencies"),
            **{name: output(str) for name in ("authorEmail", "authorId", "createdOn", "mainScriptBase64")},
            **{name: output(str) for name in ("migrationTag", "source")},
            "exportsReconciliation": output(object),
            "number": output(int),
            "startupTimeMs": output(int),
            "urls": output(ListOf(str)),
        }
    )

    def validate(self, inputs: Mapping[str, Any]) -> Iterator[Failure]:
        modules = reveal(inputs.get("modules"))
        for index, module in enumerate(modules if isinstance(modules, list) else []):
            content = module.get("contentBase64") if isinstance(module, dict) else UNKNOWN
            where = f"modules[{index}].contentBase64"
            if content is None:
                yield Failure(path=where, reason=f"Missing required property '{where}'")
            elif isinstance(content, str) and not _is_base64(content):
                yield Failure(path=where, reason="Expected base64")

    def create(self, planned: State) -> tuple[str, State]:
        bindings = sorted(planned.get("bindings", []), key=lambda binding: binding["name"])
        id, state = super().create({**planned, "bindings": bindings} if bindings else planned)
        modules = [
            {**module, "contentSha256": _sha256(module["contentBase64"])} for module in planned.get("modules", [])
        ]
        return id, {**state, **({"bindings": planned["bindings"]} if bindings else {}), "modules": modules or None}

    def accept(self, result: Mapping[str, Any], before: State) -> State:
        state = super().accept(result, before)
        if state.get("bindings"):
            state["bindings"] = _as_before(state["bindings"], before.get("bindings") or [])
        for module in state.get("modules") or []:
            module["contentSha256"] = _sha256(module.get("contentBase64", ""))
        return state


def _as_before(bindings: Sequence[State], before: Sequence[State]) -> list[State]:
    """`bindings`, which the API sorts by name, in the order in which they were given, and in the words."""
    known = {binding["name"]: binding for binding in before}
    return in_order_of((_restored(binding, known.get(binding["name"], {})) for binding in bindings), before, "name")


def _restored(binding: State, before: State) -> State:
    """`binding` with the text that the API withholds, and with JSON as it was written where it still says the same."""
    text = {"text": before["text"]} if binding.get("type") in _TEXTS and "text" in before else {}
    same = {
        name: before[name]
        for name in _JSON
        if binding.get(name) and before.get(name) and json.loads(binding[name]) == json.loads(before[name])
    }
    return {**binding, **text, **same}


def _is_base64(text: str) -> bool:
    try:
        return base64.b64decode(text, validate=True) is not None
    except binascii.Error:
        return False


def _sha256(content_base64: str) -> str:
    """The digest of a module's content, in hexadecimal."""
    return hashlib.sha256(base64.b64decode(content_base64)).hexdigest()
