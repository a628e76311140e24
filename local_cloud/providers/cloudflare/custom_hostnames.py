"""The fallback origin of custom hostnames: one for each zone, so its id is the zone's.

Source: terraform-provider-cloudflare, internal/services/custom_hostname_fallback_origin/{schema,resource,model}.go.
"""

from collections.abc import Mapping
from typing import Any

from local_cloud.providers.cloudflare.rest import RestResource
from local_cloud.providers.resource import State
from local_cloud.providers.schema import ListOf, Object, given, output


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
