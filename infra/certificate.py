"""The advanced certificate of the apps' hosts, where Cloudflare's universal one does not cover them."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from infra.platform_config import PlatformConfig


@dataclass(frozen=True, kw_only=True)
class AdvancedCertificateArgs:
    """`hosts` has the zone's own name in it."""

    zone_id: pulumi.Input[str]
    hosts: Sequence[str]
    authority: str
    validity_days: int

    @classmethod
    def of(cls, platform: PlatformConfig, *, zone_id: pulumi.Input[str]) -> "AdvancedCertificateArgs":
        return cls(
            zone_id=zone_id,
            hosts=platform.certificate_hosts,
            authority=platform.certificate.authority,
            validity_days=platform.certificate.validity_days,
        )


class AdvancedCertificate(pulumi.ComponentResource):
    """Outputs: `pack_id`."""

    pack_id: pulumi.Output[str]

    def __init__(self, name: str, args: AdvancedCertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("overskill:platform:AdvancedCertificate", name, None, opts)
        pack = cloudflare.CertificatePack(
            name,
            zone_id=args.zone_id,
            type="advanced",
            hosts=list(args.hosts),
            certificate_authority=args.authority,
            validation_method="txt",
            validity_days=args.validity_days,
            # Any change replaces the pack, and nothing waits for the new one to be active: to delete the old one
            # would leave every host without a certificate until then.
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        self.pack_id = pack.id
        self.register_outputs({"pack_id": self.pack_id})
