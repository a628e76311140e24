"""The function `getZone`: a zone by its id, or the one that a filter finds.

Source: terraform-provider-cloudflare, internal/services/zone/data_source{,_model,_schema}.go: a filter takes two calls.
"""

from collections.abc import Mapping
from typing import Any

from local_cloud.providers.client import Client
from local_cloud.providers.document import from_api
from local_cloud.providers.errors import ProviderError
from local_cloud.providers.resource import Function, State
from local_cloud.providers.schema import ListOf, Object, given, output, strings, unsupported

_FILTER = Object(
    {
        "account": given(Object(strings("id", "name"))),
        **strings("direction", "match", "name", "order", "status"),
        **unsupported("types"),
    }
)
_ARGUMENTS = Object({"filter": given(_FILTER), "zoneId": given(str)})
_FLAGS = ("cdnOnly", "dnsOnly", "foundationDns", "phishingDetected")
_QUOTAS = ("customCertificateQuota", "pageRuleQuota", "step")
_PLAN_TEXTS = ("currency", "frequency", "id", "legacyId", "name")
_PLAN_FLAGS = ("canSubscribe", "externallyManaged", "isSubscribed", "legacyDiscount")


def _outputs(type_: Any, *names: str) -> dict[str, Any]:
    return {name: output(type_) for name in names}


ZONE = Object(
    {
        **_outputs(str, "activatedOn", "cnameSuffix", "createdOn", "id", "modifiedOn", "name", "originalDnshost"),
        **_outputs(str, "originalRegistrar", "status", "type", "verificationKey"),
        **_outputs(ListOf(str), "nameServers", "originalNameServers", "permissions", "vanityNameServers"),
        "account": output(Object(_outputs(str, "id", "name"))),
        "developmentMode": output(float),
        "meta": output(Object({**_outputs(bool, *_FLAGS), **_outputs(int, *_QUOTAS)})),
        "owner": output(Object(_outputs(str, "id", "name", "type"))),
        "paused": output(bool),
        "plan": output(Object({**_outputs(str, *_PLAN_TEXTS), **_outputs(bool, *_PLAN_FLAGS), "price": output(float)})),
        "tenant": output(Object(_outputs(str, "id", "name"))),
        "tenantUnit": output(Object(_outputs(str, "id"))),
    }
)


def get_zone(client: Client, arguments: State) -> State:
    """The zone's properties. Raises `ProviderError` unless exactly one zone is meant."""
    zone_id = arguments.get("zoneId") or _find(client, arguments.get("filter") or {})
    zone = client.call("GET", f"/zones/{zone_id}").body["result"]
    return {**arguments, **from_api(ZONE, zone), "zoneId": zone["id"]}


def _find(client: Client, filter_: Mapping[str, Any]) -> str:
    account = {f"account.{name}": value for name, value in filter_.get("account", {}).items()}
    parameters = {**account, **{name: value for name, value in filter_.items() if name != "account"}}
    if not parameters:
        raise ProviderError("getZone: give either zoneId or a filter, such as filter={'name': 'example.com'}")
    found = client.call("GET", "/zones", parameters=parameters).body["result"]
    if len(found) != 1:
        raise ProviderError(f"getZone: failed to find exactly one result for {parameters}: {len(found)} found")
    return found[0]["id"]


GET_ZONE = Function(name="cloudflare:index/getZone:getZone", arguments=_ARGUMENTS, invoke=get_zone)
