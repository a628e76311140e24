"""DNS records.

Source: terraform-provider-cloudflare, internal/services/dns_record/{schema,resource,custom}.go, whose `ModifyPlan`
takes several spellings of a name and of a host name for the same.
"""

from collections.abc import Mapping
from typing import Any

from local_cloud.providers.cloudflare.rest import RestResource
from local_cloud.providers.resource import State
from local_cloud.providers.schema import Json, Object, SetOf, given, one_of, output, strings, unsupported

_TYPES = (
    *("A", "AAAA", "CNAME", "MX", "NS", "OPENPGPKEY", "PTR", "TXT", "CAA", "CERT", "DNSKEY", "DS", "HTTPS", "LOC"),
    *("NAPTR", "SMIMEA", "SRV", "SSHFP", "SVCB", "TLSA", "URI"),
)
_HOST_NAMES = frozenset({"CNAME", "NS", "PTR"})
"""Types whose content is a host name: case means nothing in it."""

_DATA_NUMBERS = (
    *("algorithm", "altitude", "digestType", "keyTag", "latDegrees", "latMinutes", "latSeconds", "longDegrees"),
    *("longMinutes", "longSeconds", "matchingType", "order", "port", "precisionHorz", "precisionVert", "preference"),
    *("priority", "protocol", "selector", "size", "type", "usage", "weight"),
)
_DATA_TEXTS = (
    *("certificate", "digest", "fingerprint", "latDirection", "longDirection", "publicKey", "regex", "replacement"),
    *("service", "tag", "target", "value"),
)


class DnsRecord(RestResource):
    type = "cloudflare:index/dnsRecord:DnsRecord"
    collection = "/zones/{zoneId}/dns_records"
    item = "/zones/{zoneId}/dns_records/{id}"
    import_id = ("zoneId", "id")
    shape = Object(
        {
            "zoneId": given(str, required=True, replaces=True, api=None),
            "name": given(str, required=True),
            "ttl": given(float, required=True),
            "type": given(str, required=True, replaces=True, rule=one_of(*_TYPES)),
            "comment": given(str),
            "content": given(str, computed=True),
            "data": given(
                Object(
                    {
                        **strings(*_DATA_TEXTS),
                        **{name: given(float) for name in _DATA_NUMBERS},
                        "flags": given(object),
                    }
                )
            ),
            "priority": given(float),
            "privateRouting": given(bool),
            "proxied": given(bool, default=False),
            "settings": given(
                Object({name: given(bool, default=False) for name in ("flattenCname", "ipv4Only", "ipv6Only")}),
                computed=True,
            ),
            "tags": given(SetOf(str), computed=True),
            **unsupported("includeShadowMetadata"),
            "commentModifiedOn": output(str),
            "createdOn": output(str, stable=True),
            "meta": output(Json, stable=True),
            "modifiedOn": output(str),
            "proxiable": output(bool, stable=True),
            "tagsModifiedOn": output(str),
        }
    )

    def plan(self, inputs: Mapping[str, Any], state: Mapping[str, Any]) -> State:
        planned = super().plan(inputs, state)
        if _same_name(planned.get("name"), state.get("name")):
            planned["name"] = state["name"]
        if planned.get("type") in _HOST_NAMES and _same_host(planned.get("content"), state.get("content")):
            planned["content"] = state["content"]
        if planned.get("type") == "CNAME" and isinstance(planned.get("settings"), dict):
            planned["settings"] = {**{name: False for name, _ in self.shape["settings"].type}, **planned["settings"]}
        return planned


def _same_name(planned: Any, present: Any) -> bool:
    """Whether `present`, a full name, is what the API makes of `planned`: `@`, or a name without the zone's."""
    if not isinstance(planned, str) or not isinstance(present, str):
        return False
    name, full = planned.removesuffix("."), present.removesuffix(".")
    return full == name or full.startswith(f"{name}.") or (planned == "@" and "." in full)


def _same_host(planned: Any, present: Any) -> bool:
    return isinstance(planned, str) and isinstance(present, str) and planned.lower() == present.lower()
