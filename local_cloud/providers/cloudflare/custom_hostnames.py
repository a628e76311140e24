"""Custom hostnames, and their fallback origin: one for each zone, so its id is the zone's.

Source: terraform-provider-cloudflare, internal/services/custom_hostname{,_fallback_origin}/{schema,resource,model}.go.
"""

from collections.abc import Mapping
from typing import Any

from local_cloud.providers.cloudflare.rest import RestResource, path_of
from local_cloud.providers.document import overlay, to_api
from local_cloud.providers.resource import State
from local_cloud.providers.schema import ListOf, MapOf, Object, given, one_of, output, strings, unsupported

_SETTINGS = Object(
    {
        "ciphers": given(ListOf(str), computed=True),
        **strings("earlyHints", "http2", "minTlsVersion", computed=True),
        "tls13": given(str, computed=True, api="tls_1_3"),
    }
)
_SSL = Object(
    {
        "bundleMethod": given(str, default="ubiquitous", rule=one_of("ubiquitous", "optimal", "force")),
        "certificateAuthority": given(str, computed=True, rule=one_of("google", "lets_encrypt", "ssl_com")),
        "method": given(str, computed=True, rule=one_of("http", "txt", "email")),
        "settings": given(_SETTINGS, computed=True),
        "type": given(str, computed=True, rule=one_of("dv")),
        "wildcard": given(bool, computed=True),
        **unsupported("cloudflareBranding", "customCertBundles", "customCertificate", "customCsrId", "customKey"),
    }
)


class CustomHostname(RestResource):
    """A change is sent as such: the host itself has none."""

    type = "cloudflare:index/customHostname:CustomHostname"
    collection = "/zones/{zoneId}/custom_hostnames"
    item = "/zones/{zoneId}/custom_hostnames/{id}"
    import_id = ("zoneId", "id")
    shape = Object(
        {
            "zoneId": given(str, required=True, replaces=True, api=None),
            "hostname": given(str, required=True, replaces=True),
            "customMetadata": given(MapOf(str)),
            "ssl": given(_SSL),
            **unsupported("customOriginServer", "customOriginSni"),
            **{name: output(str) for name in ("createdAt", "status")},
            "ownershipVerification": output(Object({name: output(str) for name in ("name", "type", "value")})),
            "ownershipVerificationHttp": output(Object({name: output(str) for name in ("httpBody", "httpUrl")})),
            "verificationErrors": output(ListOf(str)),
        }
    )

    def update(self, id: str, planned: State, state: State) -> State:
        body = to_api(self.shape, planned)
        del body["hostname"]
        answer = self.service.call("PATCH", path_of(self.item, {**planned, "id": id}), body)
        return overlay(self.shape, self.accept(answer.body["result"], planned), planned)


class CustomHostnameFallbackOrigin(RestResource):
    type = "cloudflare:index/customHostnameFallbackOrigin:CustomHostnameFallbackOrigin"
    item = "/zones/{zoneId}/custom_hostnames/fallback_origin"
    import_id = ("zoneId",)
    shape = Object(
        {
            "zoneId": given(str, required=True, replaces=True, api=None),
            "origin": given(str, required=True),
            **{name: output(str) for name in ("createdAt", "status", "updatedAt")},
            "errors": output(ListOf(str)),
        }
    )

    def create(self, planned: State) -> tuple[str, State]:
        return planned["zoneId"], self.update(planned["zoneId"], planned, {})

    def identify(self, result: Mapping[str, Any], before: State) -> str:
        return before["zoneId"]
