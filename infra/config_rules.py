"""What must hold between the keys of a stack file: each rule names the key to change, and what happens otherwise."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from infra.names import RESERVED
from infra.platform_config import Certificate

if TYPE_CHECKING:
    from infra.config import StackConfig

VALIDITY_DAYS = {"google": (14, 30, 90), "lets_encrypt": (90,), "ssl_com": (14, 30, 90, 365)}
"""What each authority issues; source: developers.cloudflare.com/ssl/reference/certificate-authorities/."""

MAX_CERTIFICATE_HOSTS = 50


class InconsistentConfig(ValueError):
    """Keys that are good alone and not together; `offenders` has a line for each."""

    def __init__(self, offenders: list[str]) -> None:
        super().__init__("\n".join(offenders))
        self.offenders = offenders


def check(config: "StackConfig") -> None:
    """Raises `InconsistentConfig`."""
    if offenders := [*_domain(config), *_certificate(config), *_plans(config), *_requests(config), *_github(config)]:
        raise InconsistentConfig(offenders)


def _inside(host: str, zone: str) -> bool:
    return host == zone or host.endswith(f".{zone}")


def _domain(config: "StackConfig") -> Iterator[str]:
    platform = config.overskill
    if not _inside(platform.domain, platform.zone_name):
        yield (
            f"overskill:zone: domain {platform.domain} is not in zone {platform.zone}: "
            "its record and route would be refused by Cloudflare"
        )
    if platform.custom_hostnames and platform.domain != platform.zone_name:
        yield (
            f"overskill:customHostnames: needs a zone of the domain's own: the route */* would take every host of zone "
            f"{platform.zone_name}, and not only those of {platform.domain}"
        )
    if "production" not in platform.app_environments:
        yield "overskill:appEnvironments: production is missing: no app would have an address without a prefix"
    for key, items in (("appEnvironments", platform.app_environments), ("exemptHosts", platform.exempt_hosts)):
        if doubled := sorted({item for item in items if items.count(item) > 1}):
            yield f"overskill:{key}: {', '.join(doubled)} is there twice: each is made once"
    for host in platform.exempt_hosts:
        if host not in RESERVED:
            yield (
                f"overskill:exemptHosts: {host!r} could be an app's id, and that app's address would not reach it: "
                "add it to `reserved` in contract/names.json first"
            )


def _certificate(config: "StackConfig") -> Iterator[str]:
    platform = config.overskill
    certificate, wildcard = platform.certificate, f"*.{platform.domain}"
    if certificate.kind == "universal" and platform.edge.scheme == "https" and platform.domain != platform.zone_name:
        yield (
            f"overskill:certificate.kind: universal covers one level below zone {platform.zone_name}, so no "
            f"browser would open {wildcard}: second-level hosts need an advanced certificate"
        )
    if certificate.kind != "advanced":
        for field in sorted(certificate.model_fields_set - {"kind"}):
            key = Certificate.model_fields[field].alias
            yield f"overskill:certificate.{key}: says nothing to kind {certificate.kind}: no certificate is ordered"
        return
    hosts = platform.certificate_hosts
    if outside := [host for host in hosts if not _inside(host.removeprefix("*."), platform.zone_name)]:
        yield f"overskill:certificate.hosts: {', '.join(outside)} not in zone {platform.zone_name}: no order is taken"
    if missing := [host for host in (platform.zone_name, wildcard) if host not in hosts]:
        yield (
            f"overskill:certificate.hosts: {', '.join(missing)} missing: Cloudflare takes no order without the zone, "
            "and without the wildcard no app has a certificate"
        )
    if len(hosts) > MAX_CERTIFICATE_HOSTS:
        yield f"overskill:certificate.hosts: {len(hosts)} are too many: a certificate holds {MAX_CERTIFICATE_HOSTS}"
    if certificate.validity_days not in VALIDITY_DAYS[certificate.authority]:
        days = ", ".join(map(str, VALIDITY_DAYS[certificate.authority]))
        yield (
            f"overskill:certificate.validityDays: {certificate.authority} issues for {days} days, "
            f"not for {certificate.validity_days}: the order would fail"
        )


def _plans(config: "StackConfig") -> Iterator[str]:
    platform = config.overskill
    if platform.default_plan not in platform.plans:
        yield (
            f"overskill:defaultPlan: {platform.default_plan!r} is not among overskill:plans "
            f"({', '.join(platform.plans)}): an app without a plan would have no limits"
        )


def _requests(config: "StackConfig") -> Iterator[str]:
    platform, previews = config.overskill, config.overskill.previews
    if platform.redirect_paths and platform.urls != "subdomain":
        yield (
            f"overskill:redirectPaths: needs overskill:urls: subdomain (it is {platform.urls}): visitors would be sent "
            "away from the addresses that apps are given"
        )
    if absent := sorted({*previews.protect} - {*platform.app_environments}):
        yield (
            f"overskill:previews.protect: {', '.join(absent)} is not among overskill:appEnvironments "
            f"({', '.join(platform.app_environments)}): there is nothing to protect"
        )
    if previews.login_url and not previews.protect:
        yield "overskill:previews.loginUrl: says nothing without overskill:previews.protect: nobody is sent there"


def _github(config: "StackConfig") -> Iterator[str]:
    platform, owner = config.overskill, config.template_repository.partition("/")[0]
    if platform.template == "own" and owner != config.github.owner:
        yield (
            f"overskill:templateRepository: is made by the provider at github:owner, which is {config.github.owner} "
            f"and not {owner}: change one, or say overskill:template: use"
        )
    if platform.template == "use" and "template" in platform.adopt:
        yield "overskill:adopt: template is another stack's (overskill:template: use): two owners would undo each other"
