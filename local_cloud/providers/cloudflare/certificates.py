"""Advanced certificate packs.

Source: terraform-provider-cloudflare, internal/services/certificate_pack/{schema,resource,model}.go. Every change
orders a new pack, and an order is done once it is taken: nothing waits for the certificates.
"""

from collections.abc import Mapping
from typing import Any

from local_cloud.providers.cloudflare.rest import RestResource
from local_cloud.providers.resource import State
from local_cloud.providers.schema import ListOf, Object, SetOf, given, one_of, output, replacing

_TEXTS = ("bundleMethod", "expiresOn", "id", "issuer", "modifiedOn", "signature", "status", "uploadedOn", "zoneId")
_CERTIFICATE = Object(
    {
        **{name: output(str) for name in _TEXTS},
        "geoRestrictions": output(Object({"label": output(str)})),
        "hosts": output(ListOf(str)),
        "priority": output(float),
    }
)
_VALIDATION = Object(
    {
        **{name: output(str) for name in ("cname", "cnameTarget", "httpBody", "httpUrl", "status")},
        **{name: output(str) for name in ("txtName", "txtValue")},
        "emails": output(ListOf(str)),
    }
)


class CertificatePack(RestResource):
    type = "cloudflare:index/certificatePack:CertificatePack"
    collection = "/zones/{zoneId}/ssl/certificate_packs/order"
    item = "/zones/{zoneId}/ssl/certificate_packs/{id}"
    import_id = ("zoneId", "id")
    mutable = False
    shape = Object(
        {
            **replacing(
                {
                    "zoneId": given(str, required=True, api=None),
                    "certificateAuthority": given(str, required=True, rule=one_of("google", "lets_encrypt", "ssl_com")),
                    "cloudflareBranding": given(bool),
                    "hosts": given(SetOf(str), computed=True),
                    "type": given(str, required=True, rule=one_of("advanced")),
                    "validationMethod": given(str, required=True, rule=one_of("txt", "http", "email")),
                    "validityDays": given(int, required=True, rule=one_of(14, 30, 90, 365)),
                }
            ),
            "certificates": output(ListOf(_CERTIFICATE)),
            "dcvDelegationRecords": output(ListOf(_VALIDATION)),
            "primaryCertificate": output(str),
            "status": output(str),
            "validationErrors": output(ListOf(Object({"message": output(str)}))),
            "validationRecords": output(ListOf(_VALIDATION)),
        }
    )

    def plan(self, inputs: Mapping[str, Any], state: Mapping[str, Any]) -> State:
        """Cloudflare adds hosts to a pack: one that has all that are asked for isn't replaced."""
        planned = super().plan(inputs, state)
        wanted, present = planned.get("hosts"), state.get("hosts")
        if isinstance(wanted, list) and isinstance(present, list) and all(host in present for host in wanted):
            planned["hosts"] = present
        return planned

    def accept(self, result: Mapping[str, Any], before: State) -> State:
        """Branding that wasn't given isn't taken from the answer, but by an import, and given isn't forgotten by it."""
        state = super().accept(result, before)
        imported = "type" not in before
        if not imported and (before.get("cloudflareBranding") is None or state.get("cloudflareBranding") is None):
            state["cloudflareBranding"] = before.get("cloudflareBranding")
        return state
